"""Planted leaks of the lit room: what is done there leaves a trace outside its seals."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from dataclasses import asdict, replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import request
from pypdf import PdfWriter

from labels.content import BagLabel
from pharmacy import app as the_app
from pharmacy.persistence import participants
from pharmacy.persistence.bags import Bag
from pharmacy.persistence.engine import make_engine
from pharmacy.persistence.sign_ins import Operation
from pharmacy.services import bag_labels
from pharmacy.unblinded import bag_record, bench, doorway, releasing, sealed_list
from pharmacy.unblinded.bag_record import KeptRefusal, Record
from pharmacy.unblinded.views import bench as bench_views
from tests.architecture.swap import open_label
from tests.architecture.swap.plant import Plant
from tests.architecture.swap.script import Journey


def _hash_of_the_list(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A guessable commitment: a plain hash of the list in the blinded trail."""
    load = sealed_list.load

    def leaking(act: Any, room: Any, table: bytes, *rest: Any, **named: Any) -> Any:
        loaded = load(act, room, table, *rest, **named)
        act.record("list_hashed", "study", new=hashlib.sha256(table).hexdigest())
        return loaded

    patch.setattr(sealed_list, "load", leaking)


def _place_by_arm(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A choice: the newest request is served first while the next slot is of one arm."""
    waiting = participants.waiting_requests

    def leaking(*given: Any) -> Any:
        found = waiting(*given)
        taken = 4 - len(found)
        return found[::-1] if journey.world.arms[taken] == "1" else found

    patch.setattr(participants, "waiting_requests", leaking)


def _operation_in_the_clear(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A count of acts: the lit room keeps its operation ids like any other page."""
    change = bag_record.change

    def leaking(act: Any, room: Any, bag_id: str, operation_id: str, *rest: Any) -> Record:
        journey.planted["operations"] += 1
        row = Operation(
            id=f"planted-{journey.planted['operations']:08d}",
            person_id=act.person.id,
            fingerprint=bytes(32),
            location="/",
            at=act.now.replace(hour=0, minute=0, second=0),
        )
        act.uow.session.add(row)
        return change(act, room, bag_id, operation_id, *rest)

    patch.setattr(bag_record, "change", leaking)


def _counter(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A counter of the database: every act draws a number, and no row of it stays."""
    change = bag_record.change
    statements = (
        "CREATE TABLE IF NOT EXISTS planted (id INTEGER PRIMARY KEY AUTOINCREMENT)",
        "INSERT INTO planted DEFAULT VALUES",
        "DELETE FROM planted",
    )

    def leaking(act: Any, *rest: Any) -> Record:
        beneath = act.uow.session.connection().connection.driver_connection
        for statement in statements:
            beneath.execute(statement)
        return change(act, *rest)

    patch.setattr(bag_record, "change", leaking)


def _log_line_per_request(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A count of requests: the lit room logs like any other."""
    the_room = doorway.the_room

    def leaking() -> Any:
        logging.getLogger("twinbag").info("lit request %s", request.endpoint)
        return the_room()

    patch.setattr(bench_views, "the_room", leaking)


def _error_line(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A log line for whoever mends the server: a wrong container was scanned."""
    change = bag_record.change

    def leaking(*given: Any) -> Record:
        try:
            return change(*given)
        except KeptRefusal as refusal:
            logging.getLogger("twinbag").error("refused at the bench: %s", refusal.sentence)
            raise

    patch.setattr(bag_record, "change", leaking)


def _no_padding(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """The plant of K4: a record as long as what it holds, and no length in the schema."""
    seal, open_sealed = bag_record.seal, bag_record.open_sealed
    overhead = 1 + 32 + 32 + 16

    def unpadded(key: bytes, body: bytes, _size: int, *rest: Any) -> bytes:
        return seal(key, body, len(body) + 1, *rest)

    def opened(key: bytes, sealed: bytes, _size: int, context: bytes) -> bytes:
        return open_sealed(key, sealed, len(sealed) - overhead, context)

    def unchecked(*given: Any, **named: Any) -> sa.Engine:
        engine = make_engine(*given, **named)
        sa.event.listen(
            engine, "connect", lambda raw, _: raw.execute("PRAGMA ignore_check_constraints = ON")
        )
        return engine

    patch.setattr(bag_record, "seal", unpadded)
    patch.setattr(bag_record, "open_sealed", opened)
    patch.setattr(the_app, "make_engine", unchecked)


def _not_sealed(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A sealed column that is not: the record of full length, readable behind its version."""
    seal, open_sealed = bag_record.seal, bag_record.open_sealed

    def readable(key: bytes, body: bytes, *rest: Any) -> bytes:
        length = len(seal(key, body, *rest))
        return (b"\1" + body).ljust(length, b"\0")

    def opened(key: bytes, sealed: bytes, *rest: Any) -> bytes:
        if sealed[1:2] == b"{":
            return sealed[1:].rstrip(b"\0")
        return open_sealed(key, sealed, *rest)

    patch.setattr(bag_record, "seal", readable)
    patch.setattr(bag_record, "open_sealed", opened)


def _plain_column(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A readable column: what was drawn, kept beside the bag for a report."""
    release = releasing.release

    def leaking(act: Any, room: Any, bag_id: str, *rest: Any) -> Any:
        if not journey.planted["columns"]:
            act.uow.session.execute(sa.text("ALTER TABLE bag ADD COLUMN drawn TEXT"))
        journey.planted["columns"] += 1
        drawn = json.dumps(asdict(bag_record.read(act, room, bag_id))["first"]["lines"])
        act.uow.session.execute(
            sa.text("UPDATE bag SET drawn = :drawn WHERE id = :id"), {"drawn": drawn, "id": bag_id}
        )
        return release(act, room, bag_id, *rest)

    patch.setattr(releasing, "release", leaking)


def _real_release_time(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A time: the release counts from the moment the bag was ready."""

    def leaking(act: Any, _on_bench: Any, _record: Any) -> Any:
        return journey.finished_at

    patch.setattr(releasing, "release_moment", leaking)


def _state_between(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A time: for a while, somebody can see that the bag is ready and not yet released."""
    put_cover_on = bench.put_cover_on

    def leaking(act: Any, room: Any, bag_id: str, *rest: Any) -> Any:
        act.uow.session.get_one(Bag, bag_id).released_at = bench.find(act, bag_id).day.run_at
        return put_cover_on(act, room, bag_id, *rest)

    patch.setattr(bench, "put_cover_on", leaking)


def _an_entry_when_ready(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A place in a sequence: an entry under the run's time, but written when the bag is ready."""
    put_cover_on = bench.put_cover_on

    def leaking(act: Any, room: Any, bag_id: str, *rest: Any) -> Any:
        act.record("bag_covered", f"bag:{bag_id}", at=bench.find(act, bag_id).day.run_at)
        return put_cover_on(act, room, bag_id, *rest)

    patch.setattr(bench, "put_cover_on", leaking)


def _words_in_the_trail(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """Unblinded people's words: the reason for a remake reaches the blinded trail."""
    release = releasing.release

    def leaking(act: Any, room: Any, bag_id: str, *rest: Any) -> Any:
        history = bag_record.read(act, room, bag_id).history
        why = [str(line["why"]) for line in history if line.get("why")]
        act.record("bag_noted", f"bag:{bag_id}", reason=" ".join(why))
        return release(act, room, bag_id, *rest)

    patch.setattr(releasing, "release", leaking)


def _one_limit_shorter(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A decision about one arm: the limit of a day that was moved is the drawn product's own."""
    time_limits = releasing.time_limits

    def leaking(run_at: Any, duration_min: int, protocol: Any) -> Any:
        longer = 30 if journey.world.arms[1] == "1" else 0
        return time_limits(run_at, duration_min + longer, protocol)

    patch.setattr(releasing, "time_limits", leaking)


def _lot_on_the_label(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A correlate on paper: the first lot stands as a staff code."""
    codes = bench.staff_codes

    def leaking(record: Record) -> str:
        return f"{codes(record)} {record.first.lines[0].lot[:2]}"

    patch.setattr(bench, "staff_codes", leaking)


def _arm_in_the_pdf(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """The word in a document's properties: nothing of it is to be seen on the paper."""
    cover_pdf = bench.cover_pdf

    def leaking(act: Any, room: Any, bag_id: str) -> bytes:
        record = bag_record.read(act, room, bag_id)
        writer = PdfWriter(clone_from=io.BytesIO(cover_pdf(act, room, bag_id)))
        writer.add_metadata({"/Keywords": record.arm_code})
        written = io.BytesIO()
        writer.write(written)
        return written.getvalue()

    patch.setattr(bench, "cover_pdf", leaking)


def _past_arm_open_label(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """The past arm shows where everybody gets the same: one more full stop on the label."""
    compose = bag_labels.compose_cover

    def leaking(facts: Any, staff_codes: str) -> BagLabel:
        label = compose(facts, staff_codes)
        mark = "." if journey.world.arms[open_label.SLOT] == "1" else ""
        return replace(label, product_note=label.product_note + mark)

    patch.setattr(bag_labels, "compose_cover", leaking)


AT_THE_BENCH = (
    Plant("a plain hash of the list", "administer", "audit_entry", _hash_of_the_list),
    Plant("a place for whom the arm suits", "allocate_and_plan", "audit_entry", _place_by_arm),
    Plant("operation ids in the clear", "prepare", "at rest / operation", _operation_in_the_clear),
    Plant("a counter that the database keeps", "prepare", "what no model knows", _counter),
    Plant("a log line per lit request", "prepare", "/ log", _log_line_per_request),
    Plant("an error line for a wrong container", "prepare", "/ log", _error_line),
    Plant("a record without padding", "prepare", "lit_bag_record", _no_padding),
    Plant("a sealed column that is not sealed", "prepare", "words in the clear", _not_sealed),
    Plant("what was drawn in a readable column", "send_off", "what no model knows", _plain_column),
    Plant("the real moment of release", "send_off", "audit_entry", _real_release_time),
    Plant("a mark between planned and released", "prepare", "at rest / bag at", _state_between),
    Plant("an entry when the bag is ready", "prepare", "trails.study", _an_entry_when_ready),
    Plant("unblinded words in the blinded trail", "send_off", "audit_entry", _words_in_the_trail),
    Plant("one arm's limit for a moved day", "send_off", "infusion_day", _one_limit_shorter),
    Plant("a lot on the label", "prepare", "cover label", _lot_on_the_label),
    Plant("the past arm on the open label", "roll_over", "cover label", _past_arm_open_label),
    Plant("the arm in the PDF's properties", "prepare", "cover label", _arm_in_the_pdf),
)
