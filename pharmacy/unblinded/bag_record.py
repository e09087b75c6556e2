"""The one sealed record of a bag: everything that happened to it in the lit room.

Always the same size at rest, in both arms, however much was scanned, refused or done again. A
request changes it through `change`, which also makes a form sent twice one effect.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed, seal
from pharmacy.crypto.commitments import keyed_digest
from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.audit import canonical_bytes
from pharmacy.domain.errors import Refusal
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import bags
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, versions
from pharmacy.unblinded.arm import Arm, reveal
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.tables import BAG_RECORD_SIZE, BagRecord

# This far before the end, refusals that repeat are counted instead of listed one by one.
_KEPT_FREE = 6144
_FINGERPRINT_BYTES = 8
_FULL = "This bag's record is full. Nothing was lost. Call the sponsor before you go on."
_RELEASED = "This bag is released; it is no longer at the bench."
_OTHER_CONTENTS = "This form was already sent with other contents. Open the page again."


class Stage(StrEnum):
    """How far a bag is in the lit room."""

    PLANNED = "planned"
    OPENED = "opened"
    PREPARED = "prepared"
    CHECKED = "checked"
    PRINTED = "printed"
    COVERED = "covered"
    RELEASED = "released"


class KeptRefusal(Refusal):
    """A refusal that stays in the bag's history, as of a wrong scan; `what` and facts go there."""

    def __init__(self, what: str, sentence: str, **facts: object) -> None:
        super().__init__(sentence)
        self.what, self.facts = what, facts


@dataclass(frozen=True)
class SourceLine:
    """One source container as one person entered it. `expiry` is an ISO date."""

    product: str
    lot: str
    expiry: str
    serial: str
    typed: bool
    at: str


@dataclass(frozen=True)
class SignedEntry:
    """One person's signature: who, with what meaning, when."""

    person_id: str
    name: str
    initials: str
    meaning: str
    at: str


@dataclass(frozen=True)
class Entries:
    """What one of the two people scanned or typed, who that is, and their signature."""

    person_id: str = ""
    name: str = ""
    lines: tuple[SourceLine, ...] = ()
    signed: SignedEntry | None = None


@dataclass(frozen=True, repr=False)
class Record:
    """The opened record. `history` holds every step, refused ones too, with who and when.

    `warranted_by` has written down that the envelope is opened; `trailed` are the stages that
    have their one entry in the unblinded trail; `reprints` are the reasons of replaced labels,
    which the blinded trail learns when the bag leaves.
    """

    stage: Stage = Stage.PLANNED
    arm_code: str = ""
    warranted_by: str = ""
    inner_applied: bool = False
    first: Entries = field(default_factory=Entries)
    second: Entries = field(default_factory=Entries)
    seal_number: str = ""
    covered_at: str = ""
    reprints: tuple[str, ...] = ()
    released_as: str = ""
    trailed: tuple[str, ...] = ()
    history: tuple[dict[str, Any], ...] = ()

    def __repr__(self) -> str:
        return "<bag record>"

    @property
    def arm(self) -> Arm | None:
        """The arm that is drawn for this bag, once it was opened."""
        return Arm(self.arm_code) if self.arm_code else None

    def with_arm(self, arm: Arm) -> Record:
        """The record after its envelope was opened."""
        return replace(self, arm_code=reveal(arm), stage=Stage.OPENED)

    def begun_again(self) -> Record:
        """The record with nothing drawn: what was opened, written down and done stays."""
        return Record(
            stage=Stage.OPENED if self.arm_code else Stage.PLANNED,
            arm_code=self.arm_code,
            warranted_by=self.warranted_by,
            reprints=self.reprints,
            trailed=self.trailed,
            history=self.history,
        )


def make(act: Act, room: OpenRoom, bag_id: str) -> None:
    """The empty record that every planned bag has from planning on."""
    versions.hold(act, room.version)
    row = BagRecord(bag_id=bag_id, study_id=act.in_study.id)
    row.record = _sealed(act, room, bag_id, Record())
    act.uow.session.add(row)


def read(act: Act, room: OpenRoom, bag_id: str) -> Record:
    """The record of a bag of this study; 404 when there is none."""
    return _opened(act, room, _row(act, bag_id, lock=False))


def written(record: Record) -> dict[str, Any]:
    """The whole record as it is sealed, for the archive of a closed study."""
    found: dict[str, Any] = json.loads(_to_bytes(record))
    return found


def was_done(act: Act, room: OpenRoom, bag_id: str, operation_id: str) -> bool:
    """Whether a form with this id has already changed the record."""
    return _line_of(read(act, room, bag_id), operation_id) is not None


def change(
    act: Act,
    room: OpenRoom,
    bag_id: str,
    operation_id: str,
    said: Mapping[str, object],
    step: Callable[[Record], Record],
) -> Record:
    """Change a record once; `step` decides, adds one line of history, and may refuse.

    The same operation again changes nothing and has the same answer; with other contents, or
    from another person, it is refused (409). So is any other change of a released bag, whose
    release may have been faster than this act. A `KeptRefusal` is written down and committed
    before it is raised: a refused scan is part of the record.
    """
    stages.admit(act, StudyAct.BENCH)
    row = _row(act, bag_id, lock=True)
    before = _opened(act, room, row)
    fingerprint = _fingerprint(act, room, said)
    done = _line_of(before, operation_id)
    if done is not None:
        return _same_answer(before, done, _former_fingerprints(act, room, said))
    if before.stage is Stage.RELEASED:
        raise Refusal(_RELEASED)
    kept: KeptRefusal | None = None
    try:
        after = step(before)
    except KeptRefusal as refusal:
        kept = refusal
        after = noted(act, before, refusal.what, refused=refusal.sentence, **refusal.facts)
    if len(after.history) == len(before.history):
        return after
    last = {**after.history[-1], "op": operation_id, "said": fingerprint}
    after = replace(after, history=(*after.history[:-1], last))
    row.record = _sealed(act, room, bag_id, after)
    act.uow.session.flush()
    if kept is not None:
        act.uow.commit()
        raise kept
    return after


def noted(act: Act, record: Record, what: str, **facts: object) -> Record:
    """The record with one more line of history: the real time and person stay in here."""
    at = act.now.isoformat(timespec="seconds")
    line = {"at": at, "who": act.person.full_name, "what": what, **facts}
    return replace(record, history=(*record.history, line))


def _line_of(record: Record, operation_id: str) -> dict[str, Any] | None:
    return next((line for line in record.history if line.get("op") == operation_id), None)


def _same_answer(record: Record, done: dict[str, Any], fingerprints: set[str]) -> Record:
    if done["said"] not in fingerprints:
        raise Refusal(_OTHER_CONTENTS)
    if "refused" in done:
        raise Refusal(str(done["refused"]))
    return record


def _fingerprint(act: Act, room: OpenRoom, said: Mapping[str, object]) -> str:
    return _digest(act, room.record_key, said)


def _former_fingerprints(act: Act, room: OpenRoom, said: Mapping[str, object]) -> set[str]:
    """Of a form that may have been sent before the keys were renewed."""
    ring = versions.ring(act.uow.session, act.in_study.id, room.record_key)
    return {_digest(act, key, said) for key in ring.keys.values()}


def _digest(act: Act, record_key: bytes, said: Mapping[str, object]) -> str:
    body = canonical_bytes({"person": act.person.id, **said})
    return keyed_digest(record_key, body)[:_FINGERPRINT_BYTES].hex()


def _row(act: Act, bag_id: str, *, lock: bool) -> BagRecord:
    bag = bags.bag(act.uow.session, bag_id)
    query = sa.select(BagRecord).where(BagRecord.bag_id == bag_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = act.uow.session.scalars(query).one_or_none()
    if bag is None or row is None or bag.study_id != act.in_study.id:
        raise Refusal("There is no such bag in this study.", status=404)
    return row


def _sealed(act: Act, room: OpenRoom, bag_id: str, record: Record) -> bytes:
    body = _to_bytes(record)
    if len(body) > BAG_RECORD_SIZE - _KEPT_FREE:
        body = _to_bytes(_folded(record))
    if len(body) > BAG_RECORD_SIZE - 1:
        raise Refusal(_FULL)
    return seal(
        room.record_key,
        body,
        BAG_RECORD_SIZE,
        contexts.bag_record(act.in_study.id, bag_id),
        act.surroundings.random_bytes("lit bag record", 32),
    )


def _folded(record: Record) -> Record:
    """Refusals of one person with one sentence become one line that counts them."""
    lines: list[dict[str, Any]] = []
    first: dict[tuple[object, ...], int] = {}
    for line in record.history:
        key = (line["who"], line["what"], line.get("refused"))
        if "refused" not in line or key not in first:
            first.setdefault(key, len(lines))
            lines.append(line)
            continue
        known = lines[first[key]]
        times = known.get("times", 1) + line.get("times", 1)
        last = {name: line[name] for name in ("op", "said") if name in line}
        lines[first[key]] = {**known, **last, "until": line["at"], "times": times}
    return replace(record, history=tuple(lines))


def _to_bytes(record: Record) -> bytes:
    return json.dumps(asdict(record), separators=(",", ":"), ensure_ascii=False).encode()


def _opened(act: Act, room: OpenRoom, row: BagRecord) -> Record:
    context = contexts.bag_record(row.study_id, row.bag_id)
    try:
        plain = open_sealed(room.record_key, row.record, BAG_RECORD_SIZE, context)
    except CannotOpen:
        versions.hold(act, room.version)
        raise
    raw = json.loads(plain)
    return Record(
        **{
            **raw,
            "stage": Stage(raw["stage"]),
            "first": _entries(raw["first"]),
            "second": _entries(raw["second"]),
            "reprints": tuple(raw["reprints"]),
            "trailed": tuple(raw["trailed"]),
            "history": tuple(raw["history"]),
        }
    )


def _entries(raw: dict[str, Any]) -> Entries:
    lines = tuple(SourceLine(**line) for line in raw["lines"])
    signed = SignedEntry(**raw["signed"]) if raw["signed"] else None
    return Entries(raw["person_id"], raw["name"], lines, signed)
