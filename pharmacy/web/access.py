"""Every door has a guard: a route says who may enter, and without that the app does not start.

A request passes here before its view: sign-in, study, permission, the form's own token, and
whether this very act was done before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, abort, current_app, g, redirect, request, url_for
from flask_login import LoginManager, current_user
from werkzeug.wrappers import Response

from pharmacy.domain.errors import Refusal, Unavailable
from pharmacy.domain.roles import Permission
from pharmacy.domain.sign_in_limit import Limit
from pharmacy.services import membership, operations, second_factor, sign_in
from pharmacy.services.act import Act
from pharmacy.web.house import house

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Door:
    """Who may enter: everybody, whoever is signed in, or one permission. `lit` marks the lit room.

    `before_set_up` lets in a person who still has to set up a second factor: the pages for that,
    signing out, breaking a code, and nothing else. `without` names the sign-ins that pass although
    they lack their second factor. A lit door leaves no trace in the clear: no idle clock, no
    operation row of its own, no log line. `once` False is for forms whose effect the view itself
    makes safe to repeat.
    """

    permission: Permission | None = None
    public: bool = False
    lit: bool = False
    once: bool = True
    before_set_up: bool = False
    without: frozenset[Limit] = frozenset()


# The second step, and signing out: for any sign-in.
ANY_SIGN_IN = frozenset(Limit)
# Breaking a code, which nothing may block.
TO_BREAK = frozenset({Limit.CODE_BREAK})


def door(
    permission: Permission | None = None,
    *,
    public: bool = False,
    lit: bool = False,
    once: bool = True,
    before_set_up: bool = False,
    without: frozenset[Limit] = frozenset(),
) -> Callable[[View], View]:
    """Say who may enter a view. Without a permission and not public: whoever is signed in."""

    def hang(view: View) -> View:
        view.__dict__["door"] = Door(
            permission, public, lit, once and not lit, before_set_up, without
        )
        return view

    return hang


def door_of(app: Flask, endpoint: str) -> Door | None:
    """The door of an endpoint, or None when nobody hung one."""
    found = app.view_functions[endpoint].__dict__.get("door")
    return found if isinstance(found, Door) else None


def check_doors(app: Flask) -> None:
    """Refuse to start with a route that has no door."""
    bare = [rule.endpoint for rule in app.url_map.iter_rules() if not door_of(app, rule.endpoint)]
    if bare:
        raise RuntimeError(f"these routes have no door: {', '.join(sorted(bare))}")


class SignedIn:
    """What Flask-Login keeps for a request: the session row and its person."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, session: Any, person: Any) -> None:
        self.session, self.person = session, person

    def get_id(self) -> str:
        """The person's id."""
        return str(self.person.id)


def cookie_name() -> str:
    """The sign-in cookie: host-bound and secure in production, its own for the practice study.

    Cookies know no ports: two installations on one machine must not end each other's sign-in.
    """
    name = "twinbag-demo" if house().practice_only else "twinbag"
    return f"__Host-{name}" if house().secure_cookies else name


def guard(app: Flask) -> None:
    """Put the guard before every view of the app."""
    manager = LoginManager(app, add_context_processor=False)  # it would ask for each page
    manager.session_protection = None
    manager.request_loader(_load_person)
    app.before_request(_open_door)
    app.teardown_request(_close)


def act() -> Act:
    """The act of this request."""
    found: Act = g.act
    return found


def _load_person(_request: Any) -> SignedIn | None:
    token = request.cookies.get(cookie_name(), "")
    if not token or "uow" not in g:
        return None
    in_open_room = g.door.lit and house().room_is_open()
    row = sign_in.open_session(g.uow, token, idle_counts=not in_open_room)
    person = membership.present(g.uow, row.person_id) if row else None
    return SignedIn(row, person) if person else None


def _open_door() -> Response | None:
    if request.endpoint is None:
        return None
    here = door_of(current_app, request.endpoint)
    if here is None:
        abort(404)
    g.door = here
    _refuse_foreign_form()
    _refuse_unreadable()
    units = house().units
    g.uow = units.acting() if request.method == "POST" else units.reading()
    if here.public:
        return None
    if not current_user.is_authenticated:
        return redirect(url_for("sign_in.page"), 303)
    limit = current_user.session.limited_to
    if limit is not None and Limit(limit) not in here.without:
        return redirect(url_for("second_step.page"), 303)
    if not here.before_set_up and _must_set_up():
        return redirect(url_for("authenticators.page"), 303)
    _move_idle_clock(here)
    g.act = _act(here)
    return _answer_given(here) if request.method == "POST" else None


def _must_set_up() -> bool:
    return second_factor.must_set_up(g.uow, house().surroundings, current_user.person.id)


def _act(here: Door) -> Act:
    person = current_user.person
    study_id = (request.view_args or {}).get("study_id")
    if study_id is None:
        made = Act(g.uow, house().surroundings, person)
    else:
        study, roles = membership.in_study(g.uow, person, study_id)
        made = Act(g.uow, house().surroundings, person, study, roles)
    if here.permission is not None:
        made.permit(here.permission)
    return made


def _refuse_foreign_form() -> None:
    """A form of another site is no form of ours (ASVS 3.5.1).

    Our own pages send the origin `null`, since they tell no referrer; then only the browser's
    word counts that the form is of this very site, or of nobody's page (a restored tab).
    """
    if request.method != "POST":
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    ours = {None, request.host_url.rstrip("/")} | ({"null"} if site else set())
    if site not in (None, "same-origin", "none") or origin not in ours:
        raise Refusal("This form came from another site and was not accepted.", status=403)


def _refuse_unreadable() -> None:
    """No database column and no page of ours holds a NUL; who sends one is no browser's form."""
    said = [*request.args.items(multi=True), *request.form.items(multi=True)]
    if "\0" in request.path or any("\0" in name or "\0" in value for name, value in said):
        abort(400)


def _answer_given(here: Door) -> Response | None:
    if not sign_in.csrf_matches(current_user.session, request.form.get("csrf_token", "")):
        raise Refusal("This page is out of date. Open it again, then send the form.", status=403)
    if not here.once:
        return None
    operation_id = request.form.get("operation_id", "")
    if not re.fullmatch(r"[0-9A-Za-z-]{16,64}", operation_id):
        raise Refusal("This form has no number of its own. Open the page again.")
    g.operation = (operation_id, _fingerprint())
    location = operations.answer_given(g.uow, operation_id, current_user.person.id, g.operation[1])
    return redirect(location, 303) if location else None


def _fingerprint() -> bytes:
    said = [(name, value) for name in request.form for value in request.form.getlist(name)]
    return operations.fingerprint(house().secret_key, request.path, said)


def _move_idle_clock(here: Door) -> None:
    """Note, at most once a minute and in a transaction of its own, that the person is here.

    Before a POST it is that request's own unit, committed: a second writer would wait for it.
    A page that refreshes itself says so and keeps no session open.
    """
    if here.lit or not sign_in.seen_is_due(g.uow, current_user.session):
        return
    if request.method == "GET" and "X-Background" in request.headers:
        return
    if request.method == "POST":
        sign_in.seen(g.uow, current_user.session.id)
        g.uow.commit()
        return
    try:
        with house().units.acting(waiting=False) as uow:
            sign_in.seen(uow, current_user.session.id)
            uow.commit()
    except Unavailable:
        # A page that only reads is shown all the same; the clock that stands ends the session
        # earlier, never later.
        return


def _close(_error: BaseException | None) -> None:
    uow = g.pop("uow", None)
    if uow is not None:
        uow.__exit__(None, None, None)
