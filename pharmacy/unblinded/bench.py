"""At the bench: inner label, envelope, draw, check, two signatures, cover label, cover, seal.

Each verb moves one bag one step, inside its one sealed record. The first time a bag reaches a
stage its one entry goes to the unblinded trail, under the run's time; what is done again is told
by the record's history alone, so that no count of rows follows what happened.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial

from pharmacy.crypto.commitments import keyed_digest
from pharmacy.domain.audit import canonical_bytes
from pharmacy.domain.bag_code import Piece
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.domain.stages import StudyAct
from pharmacy.services import bag_labels, printing, signing, stages
from pharmacy.services.act import Act
from pharmacy.unblinded import bag_record, trail
from pharmacy.unblinded.at_bench import BenchBag, find, find_planned, is_piece
from pharmacy.unblinded.bag_record import Entries, KeptRefusal, Record, SignedEntry, Stage
from pharmacy.unblinded.entries import (
    Source,
    both_are_in,
    differences,
    entered,
    need_complete,
    other_person,
    own,
    said,
    with_own,
)
from pharmacy.unblinded.envelope import open_envelope
from pharmacy.unblinded.picking import open_label_arm
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.warrants import find_warrant

__all__ = ["BenchBag", "Source", "find"]

PREPARED_MEANING = "I prepared this bag as entered; it is clear and free of particles."
CHECKED_MEANING = "I checked this bag independently of the preparer's entries."
MASKING = (
    ("set_primed", "Set primed and ports covered in the pharmacy"),
    ("sleeved", "Drip chamber and tubing sleeved"),
    ("covered", "Opaque cover on"),
)
_OPENED = "opened"
_WHY = "preparation"
_NOT_INSPECTED = "Inspect the bag first: clear, no particles, no leak."
_NO_INNER = "Put the inner label on the empty container and scan it first."
_NOT_SIGNED = "Two people sign before the cover label is printed."
_DIFFER = (
    "Your entries and the preparer's differ. Look at the containers again, both of you: take back "
    "what is wrong, or send the bag back to the preparer."
)


def apply_inner(act: Act, room: OpenRoom, bag_id: str, operation_id: str, scanned: str) -> Record:
    """The inner label is on the empty container: its code is scanned from there."""
    act.permit(Permission.WORK_AT_BENCH)
    on_bench = find_planned(act, bag_id)

    def step(record: Record) -> Record:
        if not is_piece(act, on_bench.bag, scanned, Piece.INNER_CONTAINER):
            raise KeptRefusal(
                "inner label refused", "This is not the inner label of this bag. Scan that one."
            )
        return bag_record.noted(act, replace(record, inner_applied=True), "inner label applied")

    form = {"verb": "apply_inner", "scanned": scanned}
    return bag_record.change(act, room, bag_id, operation_id, form, step)


def open_bag(act: Act, room: OpenRoom, bag_id: str, operation_id: str) -> Record:
    """Open the bag's envelope, once: written down and committed first, then opened.

    A bag already opened is shown as it is, with no new opening; an opening that was cut off
    goes on under the entry already written. Open label, no envelope is touched.
    """
    act.permit(Permission.PREPARE)
    stages.admit(act, StudyAct.PREPARE)
    on_bench = find_planned(act, bag_id)
    open_label = open_label_arm(act, on_bench)
    if open_label is None and room.list_key is None:
        raise Refusal("You do not hold the list key.", status=403)
    write_down = partial(_write_down, act, room, on_bench)
    form: dict[str, object] = {"verb": "open_bag"}
    record = bag_record.change(act, room, bag_id, operation_id, form, write_down)
    act.uow.commit()
    if record.arm is not None:
        return record
    warrant = find_warrant(act, room, _OPENED, f"bag:{bag_id}", _WHY)
    arm = open_label or open_envelope(act, room, warrant, on_bench.participant.id)

    def keep(before: Record) -> Record:
        if before.arm is not None:
            return before
        return bag_record.noted(act, before.with_arm(arm), "envelope opened")

    return bag_record.change(act, room, bag_id, f"{operation_id}+opened", form, keep)


def add_source(
    act: Act, room: OpenRoom, bag_id: str, operation_id: str, source: Source
) -> Record:
    """Add one source container to the acting person's own entries.

    Wrong, expired, unreadable or too many: refused by a sentence, and the refusal is kept in
    the record. Before the run's pooling time nothing may be punctured.
    """
    act.permit(Permission.WORK_AT_BENCH)
    on_bench = find_planned(act, bag_id)

    def step(record: Record) -> Record:
        after = entered(act, on_bench, record, source)
        line = own(act, after).lines[-1]
        how = source.why if line.typed else "scanned"
        return bag_record.noted(act, after, "source entered", lot=line.lot, how=how)

    form = {"verb": "add_source", "source": asdict(source)}
    return bag_record.change(act, room, bag_id, operation_id, form, step)


def remove_source(act: Act, room: OpenRoom, bag_id: str, operation_id: str, at: int) -> Record:
    """Take back one of one's own entries, until signed; the history keeps it."""
    act.permit(Permission.WORK_AT_BENCH)
    find_planned(act, bag_id)

    def step(record: Record) -> Record:
        mine = own(act, record)
        if not 0 <= at < len(mine.lines):
            raise Refusal("This entry was taken back already.")
        left = mine.lines[:at] + mine.lines[at + 1 :]
        changed = with_own(record, replace(mine, lines=left))
        return bag_record.noted(act, changed, "source taken back", lot=mine.lines[at].lot)

    form = {"verb": "remove_source", "at": at}
    return bag_record.change(act, room, bag_id, operation_id, form, step)


def sign_prepared(
    act: Act, room: OpenRoom, bag_id: str, operation_id: str, inspected: bool, password: str
) -> Record:
    """The preparer signs what was drawn; the pick list must be complete and the bag clear."""
    act.permit(Permission.PREPARE)
    on_bench = find_planned(act, bag_id)

    def step(record: Record) -> Record:
        _need(record, Stage.OPENED, "This bag is not open for preparation.")
        need_complete(act, on_bench, record, own(act, record))
        signed = _signed(act, record.first, inspected, password, PREPARED_MEANING)
        return _reached(
            act, room, on_bench, replace(record, first=signed), Stage.PREPARED, "prepared, signed"
        )

    form = {"verb": "sign_prepared", "inspected": inspected}
    return bag_record.change(act, room, bag_id, operation_id, form, step)


def sign_checked(
    act: Act, room: OpenRoom, bag_id: str, operation_id: str, inspected: bool, password: str
) -> Record:
    """The checker signs own entries, made without the preparer's; the two must agree."""
    act.permit(Permission.CHECK)
    on_bench = find_planned(act, bag_id)

    def step(record: Record) -> Record:
        _need(record, Stage.PREPARED, "This bag is not ready for its check.")
        need_complete(act, on_bench, record, own(act, record))
        if differences(record):
            raise Refusal(_DIFFER)
        signed = _signed(act, record.second, inspected, password, CHECKED_MEANING)
        return _reached(
            act, room, on_bench, replace(record, second=signed), Stage.CHECKED, "checked, signed"
        )

    form = {"verb": "sign_checked", "inspected": inspected}
    return bag_record.change(act, room, bag_id, operation_id, form, step)


def send_back(act: Act, room: OpenRoom, bag_id: str, operation_id: str) -> Record:
    """The checker finds the preparer's entries wrong: the preparer corrects them and signs again.

    Only once both are in and differ (409); the checker's own entries stay as they are.
    """
    act.permit(Permission.CHECK)
    on_bench = find_planned(act, bag_id)

    def step(record: Record) -> Record:
        _need(record, Stage.PREPARED, "This bag is not at its check.")
        other_person(act, record)
        if not both_are_in(act, on_bench, record) or not differences(record):
            raise Refusal("There is nothing to settle: the two do not differ.")
        unsigned = replace(record, first=replace(record.first, signed=None), stage=Stage.OPENED)
        return bag_record.noted(act, unsigned, "sent back to the preparer")

    form: dict[str, object] = {"verb": "send_back"}
    return bag_record.change(act, room, bag_id, operation_id, form, step)


def inner_pdf(act: Act, room: OpenRoom, bag_id: str) -> bytes:
    """The inner label as PDF until it is on the container; afterwards refused (409)."""
    act.permit(Permission.WORK_AT_BENCH)
    find_planned(act, bag_id)
    if bag_record.read(act, room, bag_id).inner_applied:
        raise Refusal("The inner label is on the container. A new one needs a reprint.")
    return printing.to_pdf(bag_labels.inner_label(act, bag_id))


def print_cover(act: Act, room: OpenRoom, bag_id: str, operation_id: str) -> Record:
    """The cover label may be printed once two people have signed; the print is a recorded act.

    A label that does not fit or does not read back is refused, and no print is recorded.
    """
    act.permit(Permission.PREPARE)
    on_bench = find_planned(act, bag_id)

    def step(record: Record) -> Record:
        _need(record, Stage.CHECKED, _NOT_SIGNED)
        _need_inner(record)
        printing.to_pdf(bag_labels.cover_label(act, bag_id, staff_codes(record)))
        return _reached(act, room, on_bench, record, Stage.PRINTED, "cover label printed")

    form: dict[str, object] = {"verb": "print_cover"}
    return bag_record.change(act, room, bag_id, operation_id, form, step)


def cover_pdf(act: Act, room: OpenRoom, bag_id: str) -> bytes:
    """The cover label as PDF, from its recorded print until the cover is on; else refused (409)."""
    act.permit(Permission.WORK_AT_BENCH)
    find_planned(act, bag_id)
    record = bag_record.read(act, room, bag_id)
    _need(record, Stage.PRINTED, "The cover label is not being printed now.")
    return printing.to_pdf(bag_labels.cover_label(act, bag_id, staff_codes(record)))


def put_cover_on(
    act: Act,
    room: OpenRoom,
    bag_id: str,
    operation_id: str,
    inner: str,
    cover: str,
    seal_number: str,
    masked: frozenset[str],
) -> Record:
    """Cover on: masking done, inner and cover label scanned together and of this bag, sealed."""
    act.permit(Permission.WORK_AT_BENCH)
    on_bench = find_planned(act, bag_id)
    number = seal_number.strip()
    errors = {}
    if masked != {name for name, _ in MASKING}:
        errors["masked"] = "Every masking step is done before the cover goes on."
    if not 1 <= len(number) <= 20 or not number.isprintable():
        errors["seal_number"] = "Type the seal's number, up to 20 characters."
    if errors:
        raise BadForm(errors)

    def step(record: Record) -> Record:
        _need(record, Stage.PRINTED, "Print the cover label first.")
        _need_inner(record)
        _need_pair(act, on_bench, inner, cover)
        sealed = replace(record, seal_number=number, covered_at=act.now.isoformat())
        return _reached(
            act, room, on_bench, sealed, Stage.COVERED, "covered and sealed", seal=number
        )

    form = {"verb": "put_cover_on", "scanned": [inner, cover], "seal": number}
    return bag_record.change(act, room, bag_id, operation_id, form, step)


def start_over(act: Act, room: OpenRoom, bag_id: str, operation_id: str, why: str) -> Record:
    """Throw away what was drawn and prepare the bag again in the same record, until released.

    The reason stays in here; no blinded book learns of it.
    """
    act.permit(Permission.PREPARE)
    find_planned(act, bag_id)
    reason = why.strip()
    if not 3 <= len(reason) <= 200:
        raise BadForm({"why": "Say why, in up to 200 characters. It stays in the lit room."})

    def step(record: Record) -> Record:
        return bag_record.noted(act, record.begun_again(), "started over", why=reason)

    form = {"verb": "start_over", "why": reason}
    return bag_record.change(act, room, bag_id, operation_id, form, step)


def staff_codes(record: Record) -> str:
    """Preparer and checker as the label names them, such as "TL/RO"."""
    if record.first.signed is None or record.second.signed is None:
        raise Refusal(_NOT_SIGNED)
    return f"{record.first.signed.initials}/{record.second.signed.initials}"


def _write_down(act: Act, room: OpenRoom, on_bench: BenchBag, record: Record) -> Record:
    """The entry that must be committed before the opening, once per bag and person."""
    _need_inner(record)
    if record.arm is not None or record.warranted_by == act.person.id:
        return record
    trail.record(
        act,
        room.record_key,
        _OPENED,
        f"bag:{on_bench.bag.id}",
        reason=_WHY,
        at=on_bench.day.run_at,
        participant=on_bench.participant.id,
    )
    warranted = replace(record, warranted_by=act.person.id, trailed=(*record.trailed, _OPENED))
    return bag_record.noted(act, warranted, "opening written down")


def _reached(
    act: Act,
    room: OpenRoom,
    on_bench: BenchBag,
    record: Record,
    stage: Stage,
    what: str,
    **facts: object,
) -> Record:
    """Move on; the first time, write the stage's one trail entry, bound to what was signed."""
    after = bag_record.noted(act, replace(record, stage=stage), what, **facts)
    if stage.value in record.trailed:
        return after
    entries: dict[str, object] = {"first": said(record.first), "second": said(record.second)}
    trail.record(
        act,
        room.record_key,
        stage.value,
        f"bag:{on_bench.bag.id}",
        at=on_bench.day.run_at,
        entries=keyed_digest(room.record_key, canonical_bytes(entries)).hex(),
    )
    return replace(after, trailed=(*after.trailed, stage.value))


def _signed(
    act: Act, entries: Entries, inspected: bool, password: str, meaning: str
) -> Entries:
    if not inspected:
        raise BadForm({"inspected": _NOT_INSPECTED})
    signing.check_password(act, act.person, password)
    person, at = act.person, act.now.isoformat(timespec="seconds")
    signed = SignedEntry(person.id, person.full_name, person.initials, meaning, at)
    return replace(entries, signed=signed)


def _need_pair(act: Act, on_bench: BenchBag, inner: str, cover: str) -> None:
    wrong = []
    if not is_piece(act, on_bench.bag, inner, Piece.INNER_CONTAINER):
        wrong.append("This is not the inner label of this bag. Scan the container again.")
    if not is_piece(act, on_bench.bag, cover, Piece.OUTER_COVER):
        wrong.append("This is not the cover label of this bag. Scan the cover again.")
    if wrong:
        raise KeptRefusal("cover refused", " ".join(wrong))


def _need_inner(record: Record) -> None:
    if not record.inner_applied:
        raise Refusal(_NO_INNER)


def _need(record: Record, stage: Stage, sentence: str) -> None:
    if record.stage is not stage:
        raise Refusal(sentence)
