"""`create_app`: the one place where the rooms are joined."""

from __future__ import annotations

from flask import Flask
from flask.typing import ResponseReturnValue

from config import Config
from pharmacy.crypto.deriving import Argon2Deriver
from pharmacy.crypto.passwords import Argon2Hasher
from pharmacy.domain.roles import Permission
from pharmacy.persistence.engine import make_engine
from pharmacy.services import people as people_verbs
from pharmacy.services.surroundings import Surroundings, system_now, system_random_bytes
from pharmacy.services.units import Units
from pharmacy.web import (
    access,
    failures,
    frame,
    headers,
    home,
    participants,
    people,
    scanning,
    sign_in,
    stops,
    studies,
    trails,
)
from pharmacy.web.house import House, MenuEntry

_MOST_BYTES = 512 * 1024
_BLUEPRINTS = (
    sign_in.blueprint,
    home.blueprint,
    people.blueprint,
    studies.blueprint,
    trails.blueprint,
    participants.blueprint,
    scanning.blueprint,
    stops.blueprint,
)
_MENU: tuple[MenuEntry, ...] = (
    MenuEntry("Today", "scanning.day", Permission.SCAN),
    MenuEntry("Scan", "scanning.scan", Permission.SCAN),
    MenuEntry("Participants", "participants.listed", Permission.SEE_PARTICIPANTS),
    MenuEntry("Stops", "stops.listed", Permission.SEE_STOPS),
    MenuEntry("Audit trail", "trails.study", Permission.READ_BLINDED_TRAIL),
    MenuEntry("People", "people.listed", Permission.ADMINISTER, in_study=False),
    MenuEntry("Studies", "studies.listed", Permission.ADMINISTER, in_study=False),
    MenuEntry("Installation's trail", "trails.installation", Permission.ADMINISTER, in_study=False),
)
_LANDINGS: tuple[tuple[Permission, str], ...] = (
    (Permission.SCAN, "scanning.day"),
    (Permission.SEE_PARTICIPANTS, "participants.listed"),
)


def create_app(config: Config, surroundings: Surroundings | None = None) -> Flask:
    """The whole product on one database; `surroundings` are the system's unless a test's.

    Refuses to start (RuntimeError) when a route has no door.
    """
    app = Flask("pharmacy.web", root_path=None, static_url_path="/static")
    app.config.update(
        SECRET_KEY=config.secret_key,
        MAX_CONTENT_LENGTH=_MOST_BYTES,
        MAX_FORM_MEMORY_SIZE=_MOST_BYTES,
        TRUSTED_HOSTS=list(config.trusted_hosts),
    )
    around = surroundings or Surroundings(
        system_now, system_random_bytes, Argon2Hasher(), Argon2Deriver()
    )
    app.extensions["twinbag"] = House(
        units=Units(make_engine(config.database_url), around.now),
        surroundings=around,
        secret_key=config.secret_key,
        secure_cookies=config.secure_cookies,
        practice_only=config.demo,
        menu=list(_MENU),
        landings=list(_LANDINGS),
    )
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    if config.lit_room:
        from pharmacy.unblinded import entrance

        entrance.join(app, config.pepper)
    access.guard(app)
    frame.dress(app)
    headers.add_headers(app)
    failures.answer_failures(app)
    _hang_static_door(app)
    access.check_doors(app)
    return app


def set_up_path(app: Flask) -> str | None:
    """The path of a fresh set-up link, or None once somebody has an account."""
    house: House = app.extensions["twinbag"]
    with house.units.acting() as uow:
        token = people_verbs.set_up_link(uow, house.surroundings)
        if token is None:
            return None
        uow.commit()
    return f"/set-up/{token}"


def _hang_static_door(app: Flask) -> None:
    def static(filename: str) -> ResponseReturnValue:
        return app.send_static_file(filename)

    app.view_functions["static"] = access.door(public=True)(static)
