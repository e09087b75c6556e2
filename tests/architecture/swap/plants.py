"""Planted leaks: each a small violation put into the product, which the comparison must find."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import request

from pharmacy.domain.scanning import Answer, Stop, Verdict
from pharmacy.persistence.sign_ins import Operation
from pharmacy.services import participant_pages, scanning
from pharmacy.unblinded import bag_record, bench, doorway, releasing, sealed_list
from pharmacy.unblinded.bag_record import Record
from pharmacy.unblinded.views import bench as bench_views
from tests.architecture.swap.script import Journey


@dataclass(frozen=True)
class Plant:
    """One leak: what it stands for in the table of leaks, and how it is put in."""

    name: str
    put_in: Callable[[pytest.MonkeyPatch, Journey], None]


def _hash_of_the_list(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A guessable commitment: a plain hash of the list in the blinded trail."""
    load = sealed_list.load

    def leaking(act: Any, room: Any, table: bytes, *rest: Any, **named: Any) -> Any:
        loaded = load(act, room, table, *rest, **named)
        act.record("list_hashed", "study", new=hashlib.sha256(table).hexdigest())
        return loaded

    patch.setattr(sealed_list, "load", leaking)


def _row_per_source(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A count of acts: one more plaintext row for every container."""
    change, seen = bag_record.change, iter(range(10**6))

    def leaking(act: Any, room: Any, bag_id: str, operation_id: str, *rest: Any) -> Record:
        row = Operation(
            id=f"planted-{next(seen):08d}",
            person_id=act.person.id,
            fingerprint=bytes(32),
            location="/",
            at=act.now.replace(hour=0, minute=0, second=0),
        )
        act.uow.session.add(row)
        return change(act, room, bag_id, operation_id, *rest)

    patch.setattr(bag_record, "change", leaking)


def _log_line_per_request(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A count of requests: the lit room logs like any other."""
    the_room = doorway.the_room

    def leaking() -> Any:
        logging.getLogger("twinbag").info("lit request %s", request.endpoint)
        return the_room()

    patch.setattr(bench_views, "the_room", leaking)


def _real_release_time(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A time: the release counts from the moment the bag was ready."""

    def leaking(act: Any, _on_bench: Any, _record: Any) -> Any:
        return journey.finished_at

    patch.setattr(releasing, "release_moment", leaking)


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


def _lot_on_the_label(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A correlate on paper: the first lot stands as a staff code."""
    codes = bench.staff_codes

    def leaking(record: Record) -> str:
        return f"{codes(record)} {record.first.lines[0].lot[:2]}"

    patch.setattr(bench, "staff_codes", leaking)


def _an_oracle(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """An oracle: why a bag stops depends on its arm."""
    judge = scanning.judge_bag

    def leaking(bag: Any, now: Any) -> Verdict:
        verdict = judge(bag, now)
        told = verdict.stop is Stop.NOT_RELEASED and journey.world.arms[0] == "1"
        return Verdict(Answer.STOP, Stop.HELD) if told else verdict

    patch.setattr(scanning, "judge_bag", leaking)


def _order_by_arm(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """An order: participants listed by their arm."""
    listed = participant_pages.listed

    def leaking(act: Any) -> Any:
        lines = listed(act)
        return tuple(reversed(lines)) if journey.world.arms[0] == "1" else lines

    patch.setattr(participant_pages, "listed", leaking)


PLANTS = (
    Plant("a plain hash of the list", _hash_of_the_list),
    Plant("a row per container", _row_per_source),
    Plant("a log line per lit request", _log_line_per_request),
    Plant("the real moment of release", _real_release_time),
    Plant("an entry when the bag is ready", _an_entry_when_ready),
    Plant("unblinded words in the blinded trail", _words_in_the_trail),
    Plant("a lot on the label", _lot_on_the_label),
    Plant("a verdict that depends on the arm", _an_oracle),
    Plant("participants in the order of their arms", _order_by_arm),
)
