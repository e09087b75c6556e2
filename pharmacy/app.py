"""`create_app`: the one place where the rooms are joined."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from flask import Flask

from config import Config, ConfigError
from pharmacy.crypto.authenticators import Authenticators
from pharmacy.crypto.deriving import Argon2Deriver, fingerprint_of_secret
from pharmacy.crypto.passkeys import Passkeys
from pharmacy.crypto.passwords import Argon2Hasher
from pharmacy.crypto.server_secret import ServerSecret
from pharmacy.domain.errors import Conflict, Refusal, Unavailable
from pharmacy.domain.roles import Permission
from pharmacy.persistence.engine import WAIT_MS, make_engine
from pharmacy.postman import Postman, by_smtp
from pharmacy.services import changed_secrets, installation
from pharmacy.services import people as people_verbs
from pharmacy.services.changed_secrets import Given, Step
from pharmacy.services.surroundings import Surroundings, system_now, system_random_bytes
from pharmacy.services.units import Units
from pharmacy.unblinded import sealed_reports
from pharmacy.web import (
    access,
    arrivals,
    assessments,
    assets,
    authenticators,
    break_cards,
    departures,
    deviations,
    failures,
    frame,
    going_live,
    headers,
    home,
    infusions,
    known_device,
    notices,
    packing,
    participants,
    passkeys,
    people,
    protocols,
    reports,
    scanning,
    second_step,
    sign_in,
    stages,
    stops,
    studies,
    trails,
    weight_decisions,
)
from pharmacy.web.house import House, MenuEntry

_MOST_BYTES = 512 * 1024
_BLUEPRINTS = (
    sign_in.blueprint,
    second_step.blueprint,
    passkeys.blueprint,
    authenticators.blueprint,
    home.blueprint,
    people.blueprint,
    studies.blueprint,
    protocols.blueprint,
    going_live.blueprint,
    trails.blueprint,
    participants.blueprint,
    departures.blueprint,
    weight_decisions.blueprint,
    deviations.blueprint,
    scanning.blueprint,
    infusions.blueprint,
    stops.blueprint,
    notices.blueprint,
    reports.blueprint,
    stages.blueprint,
    packing.blueprint,
    arrivals.blueprint,
    assessments.blueprint,
    break_cards.blueprint,
)
_MENU: tuple[MenuEntry, ...] = (
    MenuEntry("Today", "scanning.day", Permission.SCAN),
    MenuEntry("Scan", "scanning.scan", Permission.SCAN),
    MenuEntry("Receive", "arrivals.receive", Permission.SCAN),
    MenuEntry("Participants", "participants.listed", Permission.SEE_PARTICIPANTS),
    MenuEntry("Assessments", "assessments.listed", Permission.SEE_ASSESSMENTS),
    MenuEntry("Deviations", "deviations.listed", Permission.SEE_PARTICIPANTS, group="Study"),
    MenuEntry("Deliveries", "packing.deliveries", Permission.SEE_DELIVERIES),
    MenuEntry("Stops", "stops.listed", Permission.SEE_STOPS),
    MenuEntry("Notices", "notices.listed", Permission.SEE_NOTICES, group="Study"),
    MenuEntry(
        "Code-break seals", "break_cards.page", Permission.SEE_BREAK_CARDS, group="Unblinding"
    ),
    MenuEntry("Protocol", "protocols.shown", Permission.READ_PROTOCOL, group="Study"),
    MenuEntry("Report", "reports.listed", Permission.REPORT_UNBLINDING, group="Unblinding"),
    MenuEntry("Study stage", "stages.page", Permission.STATE_LOCK, group="Study"),
    MenuEntry("Audit trail", "trails.study", Permission.READ_BLINDED_TRAIL, group="Study"),
    MenuEntry("People", "people.listed", Permission.ADMINISTER, in_study=False),
    MenuEntry("Studies", "studies.listed", Permission.ADMINISTER, in_study=False),
    MenuEntry("Installation's trail", "trails.installation", Permission.ADMINISTER, in_study=False),
)
_LANDINGS: tuple[tuple[Permission, str], ...] = (
    (Permission.SCAN, "scanning.day"),
    (Permission.SEE_PARTICIPANTS, "participants.listed"),
    (Permission.SEE_ASSESSMENTS, "assessments.listed"),
)


def create_app(
    config: Config, surroundings: Surroundings | None = None, *, wait_ms: int = WAIT_MS
) -> Flask:
    """The whole product on one database; `surroundings` are the system's unless a test's.

    `wait_ms` is how long a request waits for a locked database before it says so.
    Refuses to start (RuntimeError) when a route has no door.
    """
    app = Flask("pharmacy.web", root_path=None, static_url_path="/static")
    app.url_map.redirect_defaults = False  # such a redirect would answer before the guard
    app.config.update(
        SECRET_KEY=config.secret_key,
        MAX_CONTENT_LENGTH=_MOST_BYTES,
        MAX_FORM_MEMORY_SIZE=_MOST_BYTES,
        TRUSTED_HOSTS=list(config.trusted_hosts),
    )
    if config.behind_proxy:
        known_device.believe_one_proxy(app)
    around = surroundings or Surroundings(
        system_now, system_random_bytes, Argon2Hasher(), Argon2Deriver()
    )
    around = replace(
        around,
        authenticators=Authenticators(config.secret_key),
        demands_second_factor=config.second_factor,
        passkeys=Passkeys(*config.passkey_place) if config.passkey_place else None,
    )
    app.extensions["twinbag"] = House(
        units=Units(make_engine(config.database_url, wait_ms=wait_ms, must_exist=True), around.now),
        surroundings=around,
        secret_key=config.secret_key,
        secure_cookies=config.secure_cookies,
        practice_only=config.demo,
        menu=list(_MENU),
        landings=list(_LANDINGS),
    )
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    pepper = ServerSecret(config.pepper, config.pepper_before)
    break_key = ServerSecret(config.break_key, config.break_key_before)
    app.extensions["twinbag"].seal_report = sealed_reports.keep_words
    if config.lit_room:
        from pharmacy.unblinded import entrance

        entrance.join(app, pepper, break_key)
    if config.code_break:
        from pharmacy.unblinded.code_break import entrance as break_entrance

        break_entrance.join(app, pepper, break_key)
    # Last: whoever has no work of their own in a study reads its protocol.
    app.extensions["twinbag"].landings.append((Permission.READ_PROTOCOL, "protocols.shown"))
    access.guard(app)
    frame.dress(app)
    headers.add_headers(app)
    failures.answer_failures(app)
    assets.hang(app)
    access.check_doors(app)
    return app


def start_postman(app: Flask, config: Config) -> Postman | None:
    """Mail notices from this process, where a mail server and somebody to mail to are set."""
    if not (config.smtp_url and config.notice_to):
        return None
    house: House = app.extensions["twinbag"]
    host = urlsplit(config.public_url).hostname or "localhost"
    postman = Postman(house.units, by_smtp(config.smtp_url, config.notice_to, host))
    house.post_notices = postman.wake
    postman.start()
    return postman


def refuse_wrong_secrets(config: Config) -> bool:
    """Compare the secrets with those the database was made with; the first start decides which.

    Raises ConfigError with the sentence of a wrong one. False when nothing could be compared: the
    database does not answer or has no schema. A process with neither the lit room nor the door for
    breaking a code uses none of them. One that is given with the one before it takes its place; the
    one before is forgotten when it is given no more and nothing is sealed under it.
    """
    if not (config.lit_room or config.code_break):
        return True
    units = Units(make_engine(config.database_url, must_exist=True), system_now)
    try:
        return all(_is_the_secret(units, given) for given in secrets_given(config))
    except Refusal as wrong:
        raise ConfigError(wrong.sentence) from None
    except Unavailable:
        return False
    finally:
        units.close()


def secrets_given(config: Config) -> tuple[Given, Given]:
    """Pepper and break key as they are configured, by fingerprints."""
    from pharmacy.unblinded import secret_rotation

    return (
        Given(
            "TWINBAG_PEPPER",
            fingerprint_of_secret(config.pepper, "pepper"),
            _fingerprint_or_none(config.pepper_before, "pepper"),
            secret_rotation.people_under,
        ),
        Given(
            "TWINBAG_BREAK_KEY",
            fingerprint_of_secret(config.break_key, "break-key"),
            _fingerprint_or_none(config.break_key_before, "break-key"),
            secret_rotation.shares_under,
        ),
    )


def _fingerprint_or_none(secret: bytes, purpose: str) -> bytes:
    return fingerprint_of_secret(secret, purpose) if secret else b""


def _is_the_secret(units: Units, given: Given) -> bool:
    with units.reading() as uow:
        if not installation.can_know_secrets(uow):
            return False
        step = changed_secrets.step(uow, given)
    if step is Step.NOTHING:
        return True
    try:
        with units.acting() as uow:
            if step is Step.KNOW:
                installation.know_secret(uow, given.setting, given.now)
            elif step is Step.CHANGE:
                changed_secrets.change(uow, given)
            else:
                changed_secrets.drop(uow, given)
            uow.commit()
    except Conflict:  # another start was faster, perhaps with another secret
        return _is_the_secret(units, given)
    return True


def set_up_path(app: Flask) -> str | None:
    """The path of a fresh set-up link, or None once somebody has an account."""
    house: House = app.extensions["twinbag"]
    with house.units.acting() as uow:
        token = people_verbs.set_up_link(uow, house.surroundings)
        if token is None:
            return None
        uow.commit()
    return f"/set-up/{token}"
