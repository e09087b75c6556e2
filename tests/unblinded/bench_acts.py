"""One bag at the bench, step by step, as two people would take it there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

import sqlalchemy as sa

from pharmacy.domain.bag_code import Piece
from pharmacy.persistence.base import Base
from pharmacy.unblinded import bag_record, bench, releasing, trail
from pharmacy.unblinded.arm import reveal
from pharmacy.unblinded.at_bench import find
from pharmacy.unblinded.bag_record import Record
from pharmacy.unblinded.bench import MASKING, Source
from pharmacy.unblinded.picking import pick_list_of
from pharmacy.unblinded.products import PickList
from pharmacy.unblinded.tables import BagRecord
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy

EXPIRY = "271231"
IVIG_30G, IVIG_10G = "00368982850052", "00368982850038"
SALINE = "00303380049042"
ALL_MASKED = frozenset(name for name, _ in MASKING)
# The first slot of one list holds IVIG, of the other saline.
IVIG_FIRST, SALINE_FIRST = "122112212112", "211221121221"
STAGES = ["opened", "prepared", "checked", "printed", "covered"]
_numbers = count(1)


def new_operation() -> str:
    """A form's id."""
    return f"bench-operation-{next(_numbers):08d}"


def scan(gtin: str, serial: str = "", lot: str = "K230A7711", expiry: str = EXPIRY) -> str:
    """What a hand scanner types for one source container."""
    return f"(01){gtin}(17){expiry}(10){lot}" + (f"(21){serial}" if serial else "")


@dataclass
class AtBench:
    """One bag of a study with its people; each step is one verb, committed."""

    study: LitStudy
    bag_id: str
    first: str = "pharmacist"
    second: str = "checker"
    serials: Any = field(default_factory=lambda: count(100))

    def do(self, who: str, verb: Any, *args: Any, operation: str = "", **named: Any) -> Any:
        """One verb on this bag by a person, with a fresh form unless one is named."""
        said = operation or new_operation()
        return self.study.do(who, verb, self.bag_id, said, *args, **named)

    def at_the_run(self) -> None:
        """Set the clock to five minutes after the notional pooling time."""
        self.study.trial.clock.at = self.run_at
        self.study.trial.clock.move(minutes=5)

    @property
    def run_at(self) -> datetime:
        """The bag's run."""
        with self.study.trial.look("pharmacist") as act:
            return find(act, self.bag_id).day.run_at

    def record(self) -> Record:
        """The record as it stands."""
        room = self.study.room("pharmacist")
        with self.study.trial.look("pharmacist") as act:
            return bag_record.read(act, room, self.bag_id)

    def sealed(self) -> bytes:
        """The record as it lies in the database."""
        with self.study.trial.look("pharmacist") as act:
            query = sa.select(BagRecord.record).where(BagRecord.bag_id == self.bag_id)
            return bytes(act.uow.session.scalars(query).one())

    def trail(self) -> list[dict[str, Any]]:
        """The unblinded trail's entries of this bag, oldest first."""
        room = self.study.room("pharmacist")
        with self.study.trial.look("pharmacist") as act:
            found = trail.entries(act, room.record_key)
        return [entry for entry in found if entry["subject"] == f"bag:{self.bag_id}"]

    def pick_list(self) -> PickList:
        """What to draw."""
        room = self.study.room("pharmacist")
        with self.study.trial.look("pharmacist") as act:
            record = bag_record.read(act, room, self.bag_id)
            return pick_list_of(act, record, find(act, self.bag_id).bag)

    def arm(self) -> str:
        """The arm that was opened."""
        arm = self.record().arm
        assert arm is not None
        return reveal(arm)

    def code(self, piece: Piece) -> str:
        """The code on one of the labels."""
        return self.study.trial.code(self.bag_id, piece)

    def apply_inner(self) -> None:
        """Scan the inner label on the empty container."""
        self.do(self.first, bench.apply_inner, self.code(Piece.INNER_CONTAINER))

    def open(self) -> None:
        """Inner label on, envelope opened, clock at the run."""
        self.apply_inner()
        self.do(self.first, bench.open_bag)
        self.at_the_run()

    def scans(self) -> list[str]:
        """A scan for every container of the pick list."""
        return [
            scan(line.product.gtins[0], str(next(self.serials)))
            for line in self.pick_list().lines
            for _ in range(line.count)
        ]

    def draw(self, who: str) -> None:
        """Enter every container of the pick list."""
        for scanned in self.scans():
            self.do(who, bench.add_source, Source(scanned=scanned))

    def prepared(self) -> None:
        """Opened, drawn and signed by the first person."""
        self.open()
        self.draw(self.first)
        self.do(self.first, bench.sign_prepared, True, PASSWORD)

    def checked(self) -> None:
        """Prepared, and checked by the second."""
        self.prepared()
        self.draw(self.second)
        self.do(self.second, bench.sign_checked, True, PASSWORD)

    def covered(self) -> None:
        """Checked, printed, covered and sealed."""
        self.checked()
        self.do(self.first, bench.print_cover)
        self.cover()

    def cover(self) -> None:
        """Scan inner and cover label together."""
        pieces = self.code(Piece.INNER_CONTAINER), self.code(Piece.OUTER_COVER)
        self.do(self.first, bench.put_cover_on, *pieces, "S-4711", ALL_MASKED)
        with self.study.trial.look(self.first) as act:
            code = find(act, self.bag_id).participant.code
        self.study.ready(code)

    def wait_for_the_run(self) -> None:
        """Let the clock reach the scheduled moment at which this bag may leave."""
        with self.study.trial.look(self.first) as act:
            found = find(act, self.bag_id)
            moment = releasing.release_moment(act, found, self.record())
        if moment is not None:
            self.study.trial.clock.at = max(moment, self.study.trial.clock())

    def release(self) -> datetime:
        """Wait for the run and release with the first person's signature."""
        self.wait_for_the_run()
        moment: datetime = self.do(self.first, releasing.release, PASSWORD)
        return moment


def a_bag(study: LitStudy, code: str = "M-002", weight: str = "59.6", visit: str = "W0") -> AtBench:
    """The first bag of a new participant's planned course."""
    return AtBench(study, study.bags(study.planned(code, weight, visit))[0].id)


def in_the_clear(study: LitStudy) -> dict[str, list[dict[str, Any]]]:
    """Every row of the database without what is ciphertext, or a hash or signature over it."""
    found = {}
    with study.trial.units.reading() as uow:
        for table in Base.metadata.sorted_tables:
            plain = [column for column in table.columns if not _is_sealed(column)]
            rows = uow.session.execute(sa.select(*plain).order_by(*table.primary_key.columns))
            found[table.name] = [dict(row._mapping) for row in rows]
    return found


def _is_sealed(column: sa.Column[Any]) -> bool:
    return bool(column.info.get("sealed"))
