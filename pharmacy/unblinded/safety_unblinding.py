"""Safety unblinding: one named recipient learns an arm, for a recall or a report, under two names.

Everything of it lives in the unblinded trail, sealed, and nothing beside it: no table, no blinded
entry, no notice. A recall concerns one arm alone, so that it is asked for everybody who was given a
bag in its window, and opens each of their envelopes: how many entries there are, and for whom, does
not follow the arm. Only the letter does, and it is kept nowhere.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import ROLES, Permission
from pharmacy.domain.site_time import format_day
from pharmacy.persistence import marks, participants, people
from pharmacy.persistence.departures import had_place
from pharmacy.services import signing
from pharmacy.services.act import Act
from pharmacy.services.study_time import study_moment
from pharmacy.unblinded import second_person, trail
from pharmacy.unblinded.arm import Arm
from pharmacy.unblinded.arm_words import arm_words
from pharmacy.unblinded.envelope import open_envelope
from pharmacy.unblinded.given_in_window import given_in_window
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.safety_letter import need_room
from pharmacy.unblinded.safety_request import (
    KINDS,
    RECIPIENTS,
    Asked,
    Request,
    SecondSignature,
    Told,
)
from pharmacy.unblinded.warrants import find_warrant

REQUESTED = "safety_unblinding"
OPENED = "safety_opened"
SHOWN = "safety_letter_shown"
MEANING = "I ask that this named person learns it, and that nobody else does."
# Of an entry's size: what is typed, as it is written down.
_MOST_TYPED_BYTES = 1100
_WAS_GIVEN = "was given"
_OTHER_FORM = "This form was sent before and asked for something else. Open the page again."
_NOT_UNBLINDED = "Another unblinded person of this study signs here."


def products(act: Act) -> dict[str, str]:
    """What a recall may concern: each arm's product in the protocol's words, by a plain number.

    The number goes into the sealed entry; in the order of the protocol's words it says no more.
    """
    return {str(at): text for at, text in enumerate(sorted(text for _, text in arm_words(act)))}


def who(act: Act) -> list[tuple[str, str]]:
    """Everybody who was given a place, by id and code; leaving the treatment takes nobody out."""
    act.permit(Permission.UNBLIND_FOR_SAFETY)
    session = act.uow.session
    found = participants.of_study(session, act.in_study.id)
    return [(one.id, one.code) for one in found if had_place(session, one.id)]


def requests(act: Act, room: OpenRoom) -> list[Request]:
    """Every request of the study, newest first."""
    act.permit(Permission.UNBLIND_FOR_SAFETY)
    entries = trail.entries(act, room.record_key)
    asked = [one for one in reversed(entries) if one["event"] == REQUESTED]
    return [
        _request(act, one, _codes_of(entries, one["operation"]), _showings(act, entries, one))
        for one in asked
    ]


def ask(act: Act, room: OpenRoom, asked: Asked, password: str, second: SecondSignature) -> Told:
    """Write a request down under two signatures, and tell what its letter says.

    Commits the request and an opening for each participant it covers before any envelope is
    opened, and the showing before anybody sees it. The same form once more, signed by the same two,
    is another showing. Refused: no list key (403), wrong signatures, a window in which nobody was
    given a bag, a letter without room, the number of a form that asked for something else (409).
    """
    _permit(act, room)
    entries = trail.entries(act, room.record_key)
    before = _entry_of(entries, asked.form)
    if before is None:
        _check(act, asked)
    codes = _covered(act, asked) if before is None else _codes_of(entries, asked.form)
    signing.check_password(act, act.person, password)
    entry = _entry(asked, _witness(act, second))
    if before is None:
        written = {**entry, "at": act.now.isoformat(), "name": act.person.full_name}
        _need_room(act, written, codes)
        trail.record(act, room.record_key, REQUESTED, f"request:{asked.form}", **entry)
    elif not _same(act, before, entry) or _asks_for_other(act, asked, codes):
        raise Refusal(_OTHER_FORM)
    return _tell(act, room, asked.form, asked.kind, codes)


def show_again(act: Act, room: OpenRoom, request_id: str, password: str) -> Told:
    """The letter of a request once more: every showing opens, and is written down, anew."""
    _permit(act, room)
    entries = trail.entries(act, room.record_key)
    entry, codes = _found(entries, request_id), _codes_of(entries, request_id)
    signing.check_password(act, act.person, password)
    _need_room(act, entry, codes)
    return _tell(act, room, request_id, str(entry["kind"]), codes)


def _same(act: Act, before: dict[str, Any], entry: dict[str, object]) -> bool:
    """Whether a form is the one that wrote an entry: the same person, everything typed alike."""
    return before["person"] == act.person.id and all(
        before[name] == typed for name, typed in entry.items()
    )


def _asks_for_other(act: Act, asked: Asked, codes: list[str]) -> bool:
    return asked.kind != "recall" and _covered(act, asked) != codes


def _need_room(act: Act, entry: dict[str, Any], codes: list[str]) -> None:
    """The longest letter that this request can make is drawn before anything is opened."""
    longest = max((text for _, text in arm_words(act)), key=len)
    request = _request(act, entry, codes, ())
    lines = tuple((code, f"{_WAS_GIVEN} {longest}") for code in codes)
    need_room(act, Told(request, lines, "", len(codes)))


def _permit(act: Act, room: OpenRoom) -> None:
    act.permit(Permission.UNBLIND_FOR_SAFETY)
    if room.list_key is None:
        raise Refusal("You do not hold the list key.", status=403)


def _check(act: Act, asked: Asked) -> None:
    """Everything that is typed; nothing here depends on an arm."""
    one = asked.recipient
    wrong = {}
    if asked.kind not in KINDS:
        wrong["kind"] = "Choose why."
    if one.role not in RECIPIENTS:
        wrong["role"] = "Choose who it is."
    for name in ("name", "organisation", "contact"):
        if not getattr(one, name):
            wrong[name] = "Write who it is, so that nobody else is meant."
    typed = [asked.said, one.name, one.organisation, one.contact]
    if len(json.dumps(typed, ensure_ascii=False).encode()) > _MOST_TYPED_BYTES:
        wrong["said"] = "This is too long. Write at most 500 letters."
    if not asked.said:
        wrong["said"] = "Write why; it stays in the lit room."
    if asked.kind == "recall" and asked.product not in products(act):
        wrong["product"] = "Choose the product that is recalled."
    if asked.kind == "recall" and not (asked.first and asked.last and asked.first <= asked.last):
        wrong["last"] = "Say from which day to which day bags were released."
    if one.person_id and people.person(act.uow.session, one.person_id) is None:
        wrong["person"] = "Choose a person of this study, or nobody."
    if wrong:
        raise BadForm(wrong)


def _covered(act: Act, asked: Asked) -> list[str]:
    """The codes of everybody whose envelope is opened for a request."""
    if asked.kind == "recall" and asked.first and asked.last:
        codes = [one.code for one in given_in_window(act, asked.first, asked.last)]
        if not codes:
            raise BadForm({"last": "No bag was released in these days."})
        return codes
    codes = [code for participant_id, code in who(act) if participant_id == asked.participant_id]
    if not codes:
        raise BadForm({"participant": "Choose a participant who has a place."})
    return codes


def _witness(act: Act, second: SecondSignature) -> str:
    person = second_person.sign(act, second.user_name, second.password, second.address)
    roles = people.roles_of(act.uow.session, person.id, act.in_study.id)
    unblinded = roles and not any(ROLES[role].blinded for role in roles)
    if person.id == act.person.id or not unblinded:
        raise BadForm({"second_user_name": _NOT_UNBLINDED})
    return person.full_name


def _entry(asked: Asked, witness: str) -> dict[str, object]:
    one = asked.recipient
    return {
        "kind": asked.kind,
        "operation": asked.form,
        "recipient": [one.name, one.organisation, one.role, one.contact, one.person_id],
        "said": asked.said,
        "product": asked.product,
        "window": [str(asked.first or ""), str(asked.last or "")],
        "signed_by": witness,
        "meaning": MEANING,
    }


def _tell(act: Act, room: OpenRoom, request_id: str, kind: str, codes: list[str]) -> Told:
    """Openings, committed; then envelopes; the showing, committed; and only then words."""
    for code in codes:
        subject = f"participant:{code}"
        trail.record(act, room.record_key, OPENED, subject, reason=kind, request=request_id)
    act.uow.commit()
    words = arm_words(act)
    arms = [(code, _opened(act, room, code, kind)) for code in codes]
    entry = _found(trail.entries(act, room.record_key), request_id)
    trail.record(act, room.record_key, SHOWN, f"request:{request_id}", reason=kind)
    if entry["recipient"][4]:
        marks.set_mark(act.uow.session, act.in_study.id, entry["recipient"][4], act.now)
    act.uow.commit()
    told = [(code, next(text for one, text in words if one == arm)) for code, arm in arms]
    shown = _showings(act, trail.entries(act, room.record_key), entry)
    request = _request(act, entry, codes, shown)
    if kind != "recall":
        lines = tuple((code, f"receives {text}") for code, text in told)
        return Told(request, lines, "", len(codes))
    recalled = products(act)[entry["product"]]
    lines = tuple((code, f"{_WAS_GIVEN} {text}") for code, text in told if text == recalled)
    none = "" if lines else f"Nobody covered by this request was given {recalled}."
    return Told(request, lines, none, len(codes))


def _opened(act: Act, room: OpenRoom, code: str, kind: str) -> Arm:
    warrant = find_warrant(act, room, OPENED, f"participant:{code}", kind)
    participant = participants.by_code(act.uow.session, act.in_study.id, code)
    if participant is None:
        raise Refusal("There is no such participant in this study.", status=404)
    return open_envelope(act, room, warrant, participant.id)


def _entry_of(entries: list[dict[str, Any]], request_id: str) -> dict[str, Any] | None:
    wanted = (REQUESTED, request_id)
    return next((one for one in entries if (one["event"], one.get("operation")) == wanted), None)


def _found(entries: list[dict[str, Any]], request_id: str) -> dict[str, Any]:
    found = _entry_of(entries, request_id)
    if found is None:
        raise Refusal("There is no such request in this study.", status=404)
    return found


def _codes_of(entries: list[dict[str, Any]], request_id: str) -> list[str]:
    """Everybody whom a request covers, from its own openings."""
    said = {
        str(entry["subject"]).removeprefix("participant:")
        for entry in entries
        if (entry["event"], entry.get("request")) == (OPENED, request_id)
    }
    return sorted(said)


def _showings(
    act: Act, entries: list[dict[str, Any]], entry: dict[str, Any]
) -> tuple[str, ...]:
    """When the letter of a request was shown, and to whom."""
    wanted = (SHOWN, f"request:{entry['operation']}")
    return tuple(
        f"{study_moment(act, datetime.fromisoformat(one['at']))}, to {one['name']}"
        for one in entries
        if (one["event"], one["subject"]) == wanted
    )


def _request(
    act: Act, entry: dict[str, Any], codes: list[str], shown: tuple[str, ...]
) -> Request:
    name, organisation, role, contact, _person_id = entry["recipient"]
    return Request(
        id=str(entry["operation"]),
        kind=KINDS[entry["kind"]],
        when=study_moment(act, datetime.fromisoformat(entry["at"])),
        asked_by=entry["name"],
        signed_by=entry["signed_by"],
        recipient=f"{name}, {organisation}, {RECIPIENTS[role].lower()}",
        contact=contact,
        about=_about(act, entry, codes),
        said=entry["said"],
        shown=shown,
    )


def _about(act: Act, entry: dict[str, Any], codes: list[str]) -> str:
    if entry["kind"] != "recall":
        return ", ".join(codes)
    first, last = (format_day(date.fromisoformat(day)) for day in entry["window"])
    covered = f"{len(codes)} participants" if len(codes) != 1 else "1 participant"
    return f"{products(act)[entry['product']]}; bags released {first} to {last}, {covered}"
