"""Who keeps which recovery sheet, where and under which seal; whether somebody has looked since.

Nothing here needs a key: the page of the lit room and the page before going live read it alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.persistence.signatures import Signature
from pharmacy.services import notices, signing
from pharmacy.services.act import Act
from pharmacy.services.study_time import study_moment
from pharmacy.unblinded import recovery_key, recovery_leavers, trail
from pharmacy.unblinded.granting import folded
from pharmacy.unblinded.recovery_halves import check_words, number_of
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.tables_recovery import (
    SHEETS,
    RecoveryCheck,
    RecoveryGrant,
    RecoveryKey,
    RecoverySheetPlace,
)
from pharmacy.unblinded.versions import study_keys

SEALS_EVERY = timedelta(days=92)
DRILL_EVERY = timedelta(days=366)
PLACED_MEANING = "I have seen this envelope sealed and handed it to its custodian"
CHECKED_MEANING = "I have read seal and check words from the envelope, or the custodian to me"
_NO_KEY = "The recovery key of this study is of an older kind. Make new sheets first."


@dataclass(frozen=True)
class Sheet:
    """One sheet as its page shows it. Moments are None where nothing was recorded."""

    name: str
    check: str
    custodian: str = ""
    place: str = ""
    seal: str = ""
    placed_at: datetime | None = None
    seen_at: datetime | None = None
    seen_by: str = ""
    broken: bool = False
    overdue: bool = False

    @property
    def placed(self) -> bool:
        """Whether it lies somewhere under a seal."""
        return bool(self.seal)

    @property
    def pair(self) -> int:
        """The pair it belongs to, 1 or 2."""
        return int(self.name[1])


@dataclass(frozen=True)
class RecoveryFacts:
    """Where a study's recovery key stands.

    `made`: there is one of this version of the program. `sealed`: both pairs' custodians and seals
    are recorded, and nothing demands new sheets. `used`: its halves were on a screen, a seal was
    broken, or the keys of somebody who had a half were taken back, so that new sheets are due.
    `overdue`: sheets whose seal nobody has checked in time.
    """

    made: bool
    number: str
    sealed: bool
    used: str
    overdue: tuple[str, ...]
    drill_due: datetime | None
    drill_overdue: bool
    sheets: tuple[Sheet, ...]


def recovery_facts(act: Act) -> RecoveryFacts:
    """The standing of the act's study. Asks for no key and no open room."""
    key, founded = recovery_key.current(act), study_keys(act)
    if key is None:
        number = number_of(founded.recovery_public) if founded else ""
        return RecoveryFacts(False, number, False, "", (), None, False, ())
    sheets = tuple(_sheet(act, key, name) for name in SHEETS)
    used, due = _used(act, key, sheets), _drill_due(act)
    return RecoveryFacts(
        made=True,
        number=number_of(key.public),
        sealed=all(sheet.placed for sheet in sheets) and not used,
        used=used,
        overdue=tuple(sheet.name for sheet in sheets if sheet.overdue),
        drill_due=due,
        drill_overdue=due is not None and act.now > due,
        sheets=sheets,
    )


def sheet_of(act: Act, name: str) -> Sheet:
    """One sheet of the current key; anything else is refused (404)."""
    key = recovery_key.current(act)
    if key is None or name not in SHEETS:
        raise Refusal("There is no such recovery sheet.", status=404)
    return _sheet(act, key, name)


def record_place(
    act: Act,
    room: OpenRoom,
    name: str,
    custodian: str,
    place: str,
    seal: str,
    unblinded: bool,
    password: str,
) -> None:
    """Write down, signed, who keeps a sheet, where, and under which seal; also a new envelope.

    Refused (`BadForm`): both halves of a pair with one custodian, both pairs at one place, a seal
    that is on another envelope, and a custodian who might be blinded.
    """
    act.permit(Permission.KEEP_RECOVERY)
    key = _key(act)
    sheet_of(act, name)
    said = {"custodian": _one_line(custodian), "place": _one_line(place), "seal": _one_line(seal)}
    _check_place(act, key, name, said, unblinded)
    kept = act.uow.session.get(RecoverySheetPlace, (key.study_id, key.number, name))
    if kept is not None and all(getattr(kept, field) == text for field, text in said.items()):
        return
    facts: dict[str, object] = {"sheet": name, "key": number_of(key.public), **said}
    signature = signing.sign(
        act, password, PLACED_MEANING, "recovery_sheet", act.in_study.id, facts
    )
    row = RecoverySheetPlace(
        study_id=act.in_study.id,
        number=key.number,
        sheet=name,
        signature_id=signature.id,
        **said,
    )
    act.uow.session.merge(row)
    subject = f"study:{act.in_study.id}"
    trail.record(act, room.record_key, "recovery_sheet_placed", subject, **facts)
    act.record("recovery_sheet_placed", subject, new={"sheet": name})


def record_check(
    act: Act,
    room: OpenRoom,
    name: str,
    whole: bool,
    seal: str,
    check: str,
    password: str,
    operation_id: str = "",
) -> None:
    """Write down, signed, that somebody looked at an envelope; nothing in it is opened.

    For a whole one the number of the seal and the two check words are those that are known, else
    `BadForm`: it is another envelope, or one of an older key. A broken one makes new sheets due
    and is told to pharmacy and sponsor: a half is no arm, both halves of a pair open the study.
    """
    act.permit(Permission.KEEP_RECOVERY)
    key, sheet = _key(act), sheet_of(act, name)
    if not sheet.placed:
        raise Refusal("Nobody has recorded yet where this sheet lies. Do that first.")
    if whole:
        _compare(sheet, seal, check)
    facts: dict[str, object] = {"sheet": name, "key": number_of(key.public)}
    facts["operation"] = operation_id
    record_tried(act, room, key, "seal", name, whole, password, CHECKED_MEANING, facts)
    if not whole:
        _tell_not_whole(act, key, name, operation_id)


def record_tried(
    act: Act,
    room: OpenRoom,
    key: RecoveryKey,
    kind: str,
    sheet: str,
    passed: bool,
    password: str,
    meaning: str,
    facts: dict[str, object],
) -> None:
    """One signed look or drill, in both trails; once for each form (`facts["operation"]`)."""
    subject, event = f"study:{act.in_study.id}", f"recovery_{kind}_checked"
    form = str(facts.get("operation", ""))
    if form and trail.find_operation(act, room.record_key, event, form) is not None:
        return
    check_id = act.new_id("recovery check")
    signature = signing.sign(act, password, meaning, "recovery_check", check_id, facts)
    row = RecoveryCheck(
        id=check_id,
        study_id=act.in_study.id,
        number=key.number,
        kind=kind,
        sheet=sheet,
        passed=passed,
        signature_id=signature.id,
    )
    act.uow.session.add(row)
    act.uow.session.flush()
    trail.record(act, room.record_key, event, subject, passed=passed, **facts)
    act.record(event, subject, new={"sheet": sheet, "passed": passed})


def _tell_not_whole(act: Act, key: RecoveryKey, name: str, form: str) -> None:
    other = next(one for one in SHEETS if one[1] == name[1] and one != name)
    opens = (
        f"Sheet {other} of the same pair is not whole either: both together open every arm of this "
        "study. Report it as unblinding of the study."
        if _sheet(act, key, other).broken
        else "One sheet alone opens nothing."
    )
    notices.tell(
        act,
        f"recovery|{key.number}|{name}|{form}",
        f"The envelope of recovery sheet {name} was found broken or missing by "
        f"{act.person.full_name} at {study_moment(act, act.now)}. {opens} New sheets are "
        "needed; no arm is told here.",
    )


def _key(act: Act) -> RecoveryKey:
    key = recovery_key.current(act)
    if key is None:
        raise Refusal(_NO_KEY)
    return key


def _check_place(
    act: Act, key: RecoveryKey, name: str, said: dict[str, str], unblinded: bool
) -> None:
    errors = {field: "Fill this in." for field, text in said.items() if not text}
    if not unblinded:
        errors["unblinded"] = "Confirm that the custodian is unblinded or no part of the study."
    others = [each for each in _places(act, key) if each.sheet != name]
    for other in others:
        same_pair = other.sheet[1] == name[1]
        if same_pair and folded(other.custodian) == folded(said["custodian"]):
            errors["custodian"] = (
                f"This person keeps sheet {other.sheet}. Both halves of a pair are the key."
            )
        if not same_pair and folded(other.place) == folded(said["place"]):
            errors["place"] = (
                f"Sheet {other.sheet} of the other pair lies here. One fire must not take both."
            )
        if folded(other.seal) == folded(said["seal"]):
            errors["seal"] = f"This seal is on the envelope of sheet {other.sheet}."
    if errors:
        raise BadForm(errors)


def _compare(sheet: Sheet, seal: str, check: str) -> None:
    errors = {}
    if folded(seal) != folded(sheet.seal):
        errors["seal"] = (
            "That is not the number of its seal. If you read it right, the envelope was exchanged: "
            "choose that it is not whole."
        )
    if folded(check) != folded(sheet.check):
        errors["check"] = (
            "These are not the check words of this sheet. An envelope of an older key is void."
        )
    if errors:
        raise BadForm(errors)


def _sheet(act: Act, key: RecoveryKey, name: str) -> Sheet:
    check = check_words(key.study_id, key.public, name)
    place = act.uow.session.get(RecoverySheetPlace, (key.study_id, key.number, name))
    if place is None:
        return Sheet(name, check)
    placed_at = act.uow.session.get_one(Signature, place.signature_id).at
    looks = [
        (row, signature)
        for row, signature in _checks(act, "seal", key.number)
        if row.sheet == name and signature.at >= placed_at
    ]
    seen = looks[-1] if looks else None
    last = seen[1].at if seen else placed_at
    return Sheet(
        name=name,
        check=check,
        custodian=place.custodian,
        place=place.place,
        seal=place.seal,
        placed_at=placed_at,
        seen_at=seen[1].at if seen else None,
        seen_by=seen[1].printed_name if seen else "",
        broken=any(not row.passed for row, _signature in looks),
        overdue=act.now > last + SEALS_EVERY,
    )


def _used(act: Act, key: RecoveryKey, sheets: Sequence[Sheet]) -> str:
    """Why new sheets are due, in one sentence; empty when they are not."""
    grants = sa.select(RecoveryGrant).where(
        RecoveryGrant.study_id == key.study_id, RecoveryGrant.number == key.number
    )
    if act.uow.session.scalars(grants).first() is not None:
        return "Its halves gave somebody the keys. Make new sheets now."
    if _checks(act, "drill", key.number):
        return "Its halves were opened for a drill. Make new sheets now."
    broken = [sheet.name for sheet in sheets if sheet.broken]
    if broken:
        return f"The envelope of sheet {broken[0]} is not whole. Make new sheets now."
    gone = recovery_leavers.gone(act, key)
    return f"{gone} Make new sheets now." if gone else ""


def _drill_due(act: Act) -> datetime | None:
    """A year after the last drill that passed, of any key; else after the first sheet was kept."""
    drills = [signature.at for row, signature in _checks(act, "drill") if row.passed]
    query = (
        sa.select(Signature.at)
        .join(RecoverySheetPlace, RecoverySheetPlace.signature_id == Signature.id)
        .where(RecoverySheetPlace.study_id == act.in_study.id)
    )
    began = drills[-1:] or sorted(act.uow.session.scalars(query))[:1]
    return began[0] + DRILL_EVERY if began else None


def _places(act: Act, key: RecoveryKey) -> Sequence[RecoverySheetPlace]:
    query = sa.select(RecoverySheetPlace).where(
        RecoverySheetPlace.study_id == key.study_id, RecoverySheetPlace.number == key.number
    )
    return act.uow.session.scalars(query.order_by(RecoverySheetPlace.sheet)).all()


def _checks(
    act: Act, kind: str, number: int | None = None
) -> list[tuple[RecoveryCheck, Signature]]:
    """Looks or drills, oldest first."""
    query = (
        sa.select(RecoveryCheck, Signature)
        .join(Signature, Signature.id == RecoveryCheck.signature_id)
        .where(RecoveryCheck.study_id == act.in_study.id, RecoveryCheck.kind == kind)
        .order_by(Signature.at, RecoveryCheck.id)
    )
    if number is not None:
        query = query.where(RecoveryCheck.number == number)
    return [(row, signature) for row, signature in act.uow.session.execute(query)]


def _one_line(text: str) -> str:
    return " ".join((text or "").split())
