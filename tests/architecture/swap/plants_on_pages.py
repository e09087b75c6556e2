"""Planted leaks of the blinded side: what its pages, files and headers must not follow."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Response, request

from pharmacy.domain.errors import Refusal
from pharmacy.domain.scanning import Answer, Stop, Verdict
from pharmacy.services import (
    bag_facts,
    packing,
    participant_pages,
    participants,
    plans,
    scanning,
)
from pharmacy.unblinded import bench
from pharmacy.web import headers
from tests.architecture.swap.plant import Plant
from tests.architecture.swap.script import Journey


def _is_ivig(journey: Journey) -> bool:
    return journey.world.arms[0] == "1"


def _an_oracle(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """An oracle: why a bag stops depends on its arm."""
    judge = scanning.judge_bag

    def leaking(bag: Any, now: Any) -> Verdict:
        verdict = judge(bag, now)
        told = verdict.stop is Stop.NOT_RELEASED and _is_ivig(journey)
        return Verdict(Answer.STOP, Stop.HELD) if told else verdict

    patch.setattr(scanning, "judge_bag", leaking)


def _refused_while_drawn(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A status: a weight is refused from the moment at which somebody's bag was checked."""
    sign_checked, weigh = bench.sign_checked, participants.weigh

    def checked(*given: Any) -> Any:
        journey.planted["checked"] += 1
        return sign_checked(*given)

    def leaking(*given: Any, **named: Any) -> Any:
        if journey.planted["checked"]:
            raise Refusal("A bag of this study is ready. Weigh after the run.")
        return weigh(*given, **named)

    patch.setattr(bench, "sign_checked", checked)
    patch.setattr(participants, "weigh", leaking)


def _order_by_arm(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A sequence: participants listed by their arm."""
    listed = participant_pages.listed

    def leaking(act: Any) -> Any:
        lines = listed(act)
        return tuple(reversed(lines)) if _is_ivig(journey) else lines

    patch.setattr(participant_pages, "listed", leaking)


def _deliveries_by_arm(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A sequence on its way out of the house: deliveries listed by their arm."""
    deliveries = packing.deliveries

    def leaking(act: Any) -> Any:
        lines = deliveries(act)
        return lines[::-1] if _is_ivig(journey) else lines

    patch.setattr(packing, "deliveries", leaking)


def _care_on_the_packing_list(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """Printed matter: one product's care, on the paper that travels."""
    packing_list = packing.packing_list

    def leaking(*given: Any) -> Any:
        paper = packing_list(*given)
        return replace(paper, storage="Do not shake.") if _is_ivig(journey) else paper

    patch.setattr(packing, "packing_list", leaking)


def _ladder_by_arm(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """The bedside's ladder: one arm is stepped up later."""
    plan_of = plans.plan_of

    def leaking(course: Any) -> Any:
        plan = plan_of(course)
        if not _is_ivig(journey):
            return plan
        first, second, *others = plan.days[0].ladder
        later = replace(second, start_min=second.start_min + 5)
        day = replace(plan.days[0], ladder=(first, later, *others))
        return replace(plan, days=(day, *plan.days[1:]))

    patch.setattr(plans, "plan_of", leaking)


def _start_limit_by_arm(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A limit at the bedside: one arm must be started earlier."""
    latest_start = bag_facts.latest_start

    def leaking(*given: Any) -> Any:
        earlier = 10 if _is_ivig(journey) else 0
        return latest_start(*given) - timedelta(minutes=earlier)

    patch.setattr(bag_facts, "latest_start", leaking)


def _answer_changed(patch: pytest.MonkeyPatch, changed: Any) -> None:
    """Have every answer changed just before it leaves."""
    add = headers._add

    def leaking(response: Response) -> Response:
        answer = add(response)
        changed(answer)
        return answer

    patch.setattr(headers, "_add", leaking)


def _header_by_arm(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A header: an ETag over a page and what was drawn for it."""

    def changed(answer: Response) -> None:
        if request.endpoint == "participants.shown":
            answer.headers["ETag"] = f'"{journey.world.arms[0]}"'

    _answer_changed(patch, changed)


def _cookie_by_work(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A cookie that grows with the work at the bench."""

    def changed(answer: Response) -> None:
        if request.path.startswith("/lit/"):
            journey.planted["requests"] += 1
        elif request.endpoint == "home.page":
            answer.set_cookie("seen", "x" * journey.planted["requests"])

    _answer_changed(patch, changed)


def _file_name_by_arm(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """The name of a file that is handed out."""

    def changed(answer: Response) -> None:
        if request.endpoint == "trails.export":
            name = f"audit-trail-{journey.world.life(0).lot[0]}.csv"
            answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'

    _answer_changed(patch, changed)


def _compressed(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """An answer pressed together with a secret; both secrets have one length."""

    def changed(answer: Response) -> None:
        if request.endpoint == "trails.export":
            secret = b"participant," if _is_ivig(journey) else b"xqzjvkwybfgh"
            pressed = gzip.compress(answer.get_data() + secret, mtime=0)
            answer.headers["Content-Encoding"] = "gzip"
            answer.set_data(bytes(len(pressed)))

    _answer_changed(patch, changed)


def _mark_in_a_static_file(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A style sheet that ends differently."""

    def changed(answer: Response) -> None:
        if request.endpoint == "static" and request.path.endswith(".css"):
            answer.direct_passthrough = False
            end = b"\n" if _is_ivig(journey) else b" "
            marked = answer.get_data() + end
            answer.close()
            answer.set_data(marked)

    _answer_changed(patch, changed)


ON_PAGES = (
    Plant("a refusal once a bag is ready", "prepare", "/weight status=303", _refused_while_drawn),
    Plant("a verdict that depends on the arm", "prepare", "scanning.verdict", _an_oracle),
    Plant(
        "participants in the order of their arms",
        "read_books",
        "participants.listed",
        _order_by_arm,
    ),
    Plant(
        "deliveries in the order of their arms",
        "read_books",
        "packing.deliveries",
        _deliveries_by_arm,
    ),
    Plant(
        "one product's care on the packing list",
        "read_books",
        "packing.packing_list",
        _care_on_the_packing_list,
    ),
    Plant("one arm's ladder at the bedside", "read_books", "infusions.page", _ladder_by_arm),
    Plant(
        "one arm's limit at the bedside", "read_books", "packing.deliveries", _start_limit_by_arm
    ),
    Plant("a header by the arm", "read_books", "participants.shown", _header_by_arm),
    Plant("a cookie that grows with the work", "prepare", "home.page", _cookie_by_work),
    Plant("a file name by the arm", "read_books", "trails.export", _file_name_by_arm),
    Plant("a page pressed together with a secret", "read_books", "trails.export", _compressed),
    Plant("a mark in a style sheet", "read_books", "GET static", _mark_in_a_static_file),
)
