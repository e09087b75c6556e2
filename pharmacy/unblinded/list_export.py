"""The whole list in the open, after the end-of-study unblinding: for people, and for its proof.

Each time is an opening of its own: written into both trails and committed, then every envelope is
opened through the one act. Nothing of it is kept here or touches the server's disk.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.crypto.commitments import proves
from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.errors import Refusal
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import participants
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.services.spreadsheet import csv_bytes
from pharmacy.services.studies import protocol_of
from pharmacy.unblinded import list_parts, load_certificate, trail
from pharmacy.unblinded.arm import Arm, reveal
from pharmacy.unblinded.envelope import STUDY_OPENING, Place, open_envelope
from pharmacy.unblinded.list_parts import Part
from pharmacy.unblinded.list_table import AllocationList, AllocationRow, canonical_list_bytes
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.rules import GROUP_COLUMN, ListRules
from pharmacy.unblinded.study_files import products_of, rules_of
from pharmacy.unblinded.tables import Slot
from pharmacy.unblinded.taken_slots import CHANGED, check_taken_slots
from pharmacy.unblinded.warrants import Warrant, commit_warrant, find_warrant
from pharmacy.unblinded.zipped import zip_bytes

REASONS = {"export": "The list for the statistician", "archive": "The archive of the closed study"}
_HEADERS = ("participant", "stratum", "number", "arm", "arm_in_words", "slot")
_HOW = (
    "python -m pharmacy list prove {certificate} --list {table} "
    "--rules RULES.toml, with RULES.toml the list rules as they were when the list was loaded"
)
_ORIGINAL = (
    "What was loaded had randomization numbers or another order of strata, which are not kept "
    "here: prove the original table with this opening, and compare its groups with list.csv."
)


@dataclass(frozen=True, repr=False)
class OpenedSlot:
    """One slot with its arm and the part of the list it came with.

    `participant` is empty for one that nobody took.
    """

    participant: str
    stratum: str
    number: int
    part: int
    arm: Arm
    words: str


def warrant_for(act: Act, room: OpenRoom, reason: str, operation_id: str) -> Warrant:
    """The committed entry of this very form; the same form again finds the one it wrote.

    Refused (403) without the list key, (409) before the study is unblinded.
    """
    stages.admit(act, StudyAct.REVEAL_LIST)
    if room.list_key is None:
        raise Refusal("You do not hold the list key.", status=403)
    subject = f"study:{act.in_study.id}"
    if trail.find_operation(act, room.record_key, STUDY_OPENING, operation_id) is not None:
        return find_warrant(act, room, STUDY_OPENING, subject, reason)
    act.record(STUDY_OPENING, subject, reason=REASONS[reason])
    return commit_warrant(act, room, STUDY_OPENING, subject, reason, operation=operation_id)


def opened_slots(act: Act, room: OpenRoom, warrant: Warrant) -> list[OpenedSlot]:
    """Every slot of the list in allocation order, taken or not.

    Refused (409) when somebody sits in another slot than both trails tell.
    """
    check_taken_slots(act, room.record_key)
    words = _words(act)
    codes = {one.id: one.code for one in participants.of_study(act.uow.session, act.in_study.id)}
    found = []
    for slot in _slots(act):
        arm = open_envelope(act, room, warrant, Place(slot.stratum, slot.number))
        told = next(text for one, text in words if one == arm)
        code = codes.get(slot.participant_id or "", "")
        found.append(OpenedSlot(code, slot.stratum, slot.number, slot.part, arm, told))
    return found


def files(act: Act, room: OpenRoom, slots: Sequence[OpenedSlot]) -> dict[str, bytes]:
    """The list for people, the table that `list prove` reads, its proof and the certificate."""
    rules = rules_of(protocol_of(act)[1].code)
    found = {
        "list.csv": csv_bytes(_HEADERS, (_row(slot) for slot in slots)),
        "proof.json": _proof(act, room, slots, rules),
    }
    for part in list_parts.parts(act):
        table, certificate = _names(part.part)
        found[table] = _table(_of_part(slots, part.part), rules)
        found[certificate] = load_certificate.written_file(act, part.part).encode()
    return found


def export(act: Act, room: OpenRoom, operation_id: str) -> bytes:
    """The list in one ZIP for the statistician."""
    act.permit(stages.CONFIRMS[stages.StudyStage.LOCKED])
    warrant = warrant_for(act, room, "export", operation_id)
    return zip_bytes(files(act, room, opened_slots(act, room, warrant)))


def _slots(act: Act) -> list[Slot]:
    query = sa.select(Slot).where(Slot.study_id == act.in_study.id)
    return list(act.uow.session.scalars(query.order_by(Slot.stratum, Slot.number)))


def _row(slot: OpenedSlot) -> tuple[str, ...]:
    taken = "taken" if slot.participant else "unused"
    code = reveal(slot.arm)
    return (slot.participant, slot.stratum, str(slot.number), code, slot.words, taken)


def _table(slots: Sequence[OpenedSlot], rules: ListRules) -> bytes:
    strata = [column.column for column in rules.strata]
    lines = [",".join((GROUP_COLUMN, *strata))]
    for slot in _in_order(slots, rules):
        group = next(rule.group for rule in rules.arms if rule.arm == slot.arm)
        lines.append(",".join((group, *(slot.stratum.split("/") if strata else ()))))
    return "\r\n".join((*lines, "")).encode()


def _proof(act: Act, room: OpenRoom, slots: Sequence[OpenedSlot], rules: ListRules) -> bytes:
    told = [
        _proof_of(room, part, _of_part(slots, part.part), rules) for part in list_parts.parts(act)
    ]
    proof = {"form": "twinbag-list-proof-1", "study": act.in_study.code, "lists": told}
    return (json.dumps(proof, indent=2) + "\n").encode()


def _proof_of(
    room: OpenRoom, part: Part, slots: Sequence[OpenedSlot], rules: ListRules
) -> dict[str, object]:
    rows = tuple(AllocationRow("", slot.arm, slot.stratum) for slot in _in_order(slots, rules))
    said = canonical_list_bytes(AllocationList(rows, rules))
    opening = _opening(room, part)
    by_itself = proves(part.commitment, opening, said)
    table, certificate = _names(part.part)
    how = _HOW.format(certificate=certificate, table=table) if by_itself else _ORIGINAL
    return {
        "part": part.part,
        "commitment": part.commitment.hex(),
        "opening": opening.hex(),
        "proved_by_allocation_table": by_itself,
        "how": how,
    }


def _opening(room: OpenRoom, part: Part) -> bytes:
    if room.list_key is None:
        raise Refusal("You do not hold the list key.", status=403)
    try:
        return list_parts.opening_of(room.list_key, part)
    except CannotOpen:
        raise Refusal(CHANGED) from None


def _names(part: int) -> tuple[str, str]:
    """How a part's table and certificate are called; the first has no number."""
    number = "" if part == list_parts.FIRST else f"-part{part}"
    return f"allocation-table{number}.csv", f"load-certificate{number}.json"


def _of_part(slots: Sequence[OpenedSlot], part: int) -> list[OpenedSlot]:
    return [slot for slot in slots if slot.part == part]


def _in_order(slots: Sequence[OpenedSlot], rules: ListRules) -> list[OpenedSlot]:
    """Stratum by stratum as the rules name them."""
    names = [*rules.stratum_names, *sorted({slot.stratum for slot in slots})]
    return sorted(slots, key=lambda slot: (names.index(slot.stratum), slot.number))


def _words(act: Act) -> list[tuple[Arm, str]]:
    """What the protocol calls each arm."""
    protocol = protocol_of(act)[1]
    identities = {arm.name: arm.identity for arm in protocol.arms}
    supplies = products_of(protocol.code).supplies
    return [(supply.arm, identities[supply.protocol_arm]) for supply in supplies]
