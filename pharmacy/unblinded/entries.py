"""What the two people at the bench enter, each by themselves, and where they differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.services.act import Act
from pharmacy.unblinded.at_bench import BenchBag, today_at
from pharmacy.unblinded.bag_record import Entries, KeptRefusal, Record, SourceLine, Stage
from pharmacy.unblinded.picking import missing, pick_list_of, product_of
from pharmacy.unblinded.source_codes import SourceScan, check_source, parse_scan, typed_source

# Why a container is typed in and not scanned (requirement E17).
TYPED_REASONS = {
    "damaged": "Its code cannot be read",
    "no_code": "It has no code with lot and expiry",
    "scanner": "The scanner does not work",
}
_SHOWN_OF_A_SCAN = 60


@dataclass(frozen=True)
class Source:
    """What the form says of one source container: a scan, or product, lot and expiry typed.

    `why` is one of `TYPED_REASONS` for a typed one.
    """

    scanned: str = ""
    product: str = ""
    lot: str = ""
    expiry: str = ""
    why: str = ""


@dataclass(frozen=True)
class Difference:
    """Containers that one person entered and the other did not: how many each has."""

    product: str
    lot: str
    expiry: str
    first: int
    second: int


def own(act: Act, record: Record) -> Entries:
    """The entries of whoever acts: the preparer's before the first signature, then the checker's.

    They are one person's from the first to the last; the checker took no part in the
    preparation. Anybody else is refused (403, or 409 when it is somebody else's turn).
    """
    if record.stage is Stage.OPENED:
        act.permit(Permission.PREPARE)
        entries = record.first
    elif record.stage is Stage.PREPARED:
        act.permit(Permission.CHECK)
        other_person(act, record)
        entries = record.second
    else:
        raise Refusal("Nothing is entered at this step.")
    if entries.lines and entries.person_id != act.person.id:
        raise Refusal(
            f"{entries.name} began these entries and finishes them. Else start the bag over."
        )
    return entries


def with_own(record: Record, entries: Entries) -> Record:
    """The record with the acting person's entries changed."""
    if record.stage is Stage.OPENED:
        return replace(record, first=entries)
    return replace(record, second=entries)


def other_person(act: Act, record: Record) -> None:
    """Refuse (403) the preparer as checker (requirement D4)."""
    if record.first.person_id == act.person.id:
        raise Refusal("The checker is another person than the preparer.", status=403)


def entered(act: Act, on_bench: BenchBag, record: Record, source: Source) -> Record:
    """The record with one more source container in the acting person's entries.

    Refusals of the container itself are kept in the history; nothing before the pooling time.
    """
    entries = own(act, record)
    try:
        line = _line(act, on_bench, record, entries, source)
    except Refusal as refusal:
        said = source.scanned or " ".join((source.product, source.lot, source.expiry))
        said = said[:_SHOWN_OF_A_SCAN]
        raise KeptRefusal("source refused", refusal.sentence, scanned=said) from None
    lines = (*entries.lines, line)
    mine = Entries(act.person.id, act.person.full_name, lines, None)
    return with_own(record, mine)


def need_complete(act: Act, on_bench: BenchBag, record: Record, entries: Entries) -> None:
    """Refuse (409) entries that do not cover the pick list."""
    if not is_complete(act, on_bench, record, entries):
        raise Refusal("Not every container of the pick list is entered yet.")


def is_complete(act: Act, on_bench: BenchBag, record: Record, entries: Entries) -> bool:
    """Whether every container of the pick list is entered."""
    left = missing(pick_list_of(act, record, on_bench.bag), entries.lines)
    return not any(left.values())


def both_are_in(act: Act, on_bench: BenchBag, record: Record) -> bool:
    """Whether both people have entered everything: only then does one see the other's."""
    return (
        record.arm is not None
        and is_complete(act, on_bench, record, record.first)
        and is_complete(act, on_bench, record, record.second)
    )


def differences(record: Record) -> tuple[Difference, ...]:
    """Where the two differ, container by container; empty when they agree."""
    first, second = _counted(record.first), _counted(record.second)
    return tuple(
        Difference(*key, first[key], second[key])
        for key in sorted(first.keys() | second.keys())
        if first[key] != second[key]
    )


def said(entries: Entries) -> list[str]:
    """The containers in one order, whoever entered them in which."""
    return sorted(f"{line.product}|{line.lot}|{line.expiry}" for line in entries.lines)


def _counted(entries: Entries) -> Counter[tuple[str, str, str]]:
    return Counter((line.product, line.lot, line.expiry) for line in entries.lines)


def _line(
    act: Act, on_bench: BenchBag, record: Record, entries: Entries, source: Source
) -> SourceLine:
    if act.now < on_bench.day.run_at:
        raise Refusal("The run's pooling time has not come. Nothing is punctured before it.")
    if not record.inner_applied:
        raise Refusal("Put the inner label on the container and scan it first.")
    scan = _scan(act, on_bench, source)
    picked = pick_list_of(act, record, on_bench.bag)
    product = product_of(act, picked, scan.gtin, source.product)
    check_source(scan, product, on_bench.day.stop_by.astimezone(on_bench.zone).date())
    if any(_same_container(line, product.key, scan) for line in entries.lines):
        raise Refusal("This very container was already scanned. Scan the next one.")
    if not missing(picked, entries.lines).get(product.key):
        raise Refusal("No more of this product is needed for this bag. Put it back.")
    at = act.now.isoformat(timespec="seconds")
    return SourceLine(
        product.key, scan.lot, scan.expiry.isoformat(), scan.serial, scan.typed, at
    )


def _same_container(line: SourceLine, product: str, scan: SourceScan) -> bool:
    return bool(scan.serial) and (line.product, line.serial) == (product, scan.serial)


def _scan(act: Act, on_bench: BenchBag, source: Source) -> SourceScan:
    if source.scanned:
        return parse_scan(source.scanned, today_at(act, on_bench))
    if source.why not in TYPED_REASONS:
        raise BadForm({"why": "Choose why the container is not scanned."})
    return typed_source(source.lot, source.expiry)
