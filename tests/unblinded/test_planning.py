"""Planning in the lit room: the blinded plan, a run for each day, and a sealed record per bag."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from pharmacy.persistence.bags import Bag
from pharmacy.persistence.courses import Course
from pharmacy.services import plans
from pharmacy.unblinded import allocation, bag_record, plan_words, planning
from pharmacy.unblinded.bag_record import Stage
from pharmacy.unblinded.tables import BagRecord
from tests.support.lit_builders import Browser, LitStudy, open_study
from tests.support.world import build_app


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A study with its list loaded."""
    return open_study(sqlite_url)


@pytest.fixture
def app(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Flask:
    """The product on the study's database."""
    return build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)


@pytest.fixture
def browser(study: LitStudy, app: Flask) -> Browser:
    """The pharmacist with the room open."""
    return study.lit_browser(app, "pharmacist")


def _offered(page: str, day: int) -> list[str]:
    (select,) = re.findall(rf'<select[^>]* name="day_{day}".*?</select>', page, re.S)
    return re.findall(r'<option[^>]*value="([^"]+)"', select)


def _proposed(page: str) -> dict[str, str]:
    """The run that stands first in each day's choice."""
    found = {}
    for name, options in re.findall(r'<select[^>]* name="(day_\d)"(.*?)</select>', page, re.S):
        chosen = re.search(r'<option selected value="([^"]+)"', options)
        assert chosen is not None
        found[name] = chosen[1]
    return found


def _count(study: LitStudy, table: type) -> int:
    with study.trial.engine.connect() as connection:
        query = sa.select(sa.func.count()).select_from(table)
        return int(connection.execute(query).scalar_one())


def test_the_page_shows_the_plan_to_check_by_hand(study: LitStudy, browser: Browser) -> None:
    """Arithmetic, ladder with its table, days and the runs to choose from (D1)."""
    order_id = study.trial.order(study.enrolled("M-002", "59.6"))
    page = unescape(browser.get(browser.lit(f"orders/{order_id}")).text)
    for text in ("M-002", "2 g/kg x 59.6 kg", "119.2 g", "120 g", "1,200 mL", "290 min"):
        assert text in page
    assert "From 60 min: 0.04 mL/kg/min x 59.6 kg x 60" in page
    assert "143.04, run at 143 mL/hour" in page
    assert "as ordered, and at the ceiling of the product label" in page
    assert 'class="chart ladder"' in page
    assert _count(study, Course) == 0, "a look keeps nothing"


def test_keeping_the_plan_makes_every_sealed_record(study: LitStudy, browser: Browser) -> None:
    """In one transaction, all of one length, from planning on, in both arms (H4)."""
    order_id = study.trial.order(study.enrolled("M-002", "95.5"))
    page = browser.lit(f"orders/{order_id}")
    runs = _proposed(browser.get(page).text)
    assert list(runs) == ["day_1", "day_2"]
    answer = browser.post(page, **runs)
    assert answer.status_code == 303, answer.text
    assert answer.location.startswith(browser.lit("board"))
    with study.trial.look("pharmacist") as act:
        bags = act.uow.session.scalars(sa.select(Bag)).all()
        rows = act.uow.session.scalars(sa.select(BagRecord)).all()
        assert {row.bag_id for row in rows} == {bag.id for bag in bags}
        assert len(bags) == 4
        assert len({len(row.record) for row in rows}) == 1
        for bag in bags:
            record = bag_record.read(act, study.room("checker"), bag.id)
            assert (record.stage, record.arm, record.history) == (Stage.PLANNED, None, ())


def test_the_same_form_twice_plans_once(study: LitStudy, browser: Browser) -> None:
    """And other runs for a planned order are refused."""
    order_id = study.trial.order(study.enrolled())
    page = browser.lit(f"orders/{order_id}")
    shown = browser.get(page).text
    runs = _proposed(shown)
    for _ in range(2):
        assert browser.post(page, **runs).status_code == 303
    assert (_count(study, Course), _count(study, BagRecord)) == (1, 2)
    later = {**runs, "day_2": _offered(shown, 2)[-1]}
    refused = browser.post(page, **later)
    assert refused.status_code == 409
    assert "already planned" in refused.text


def test_the_later_day_is_proposed_at_the_same_hour(study: LitStudy, app: Flask) -> None:
    """One day after the day before; all runs of the coming week can be chosen."""
    study.trial.clock.move(hours=2)
    browser = study.lit_browser(app, "pharmacist")
    order_id = study.trial.order(study.enrolled())
    page = browser.get(browser.lit(f"orders/{order_id}")).text
    assert _proposed(page) == {
        "day_1": "2026-03-02T19:00:00+00:00",
        "day_2": "2026-03-03T19:00:00+00:00",
    }
    assert len(_offered(page, 1)) == 13
    # Over the change to summer time the hour of the site stays.
    study.trial.clock.move(days=5)
    with study.trial.look("pharmacist") as act:
        order, participant, _, _ = plans.propose(act, order_id)
        offers = planning.run_offers(act, order, participant, 2)
    assert [offer.proposed for offer in offers] == [
        "2026-03-07T19:00:00+00:00",
        "2026-03-08T18:00:00+00:00",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"day_2": ""},
        {"day_1": "", "day_2": ""},
        {"day_1": "2026-03-02T16:00:00+00:00"},
        {"day_1": "2026-03-01T15:00:00+00:00"},
        {"day_1": "tomorrow"},
        {"day_1": "2026-03-02T09:00:00"},
        {"day_2": "2026-03-02T19:00:00+00:00"},
        {"day_3": "2026-03-04T15:00:00+00:00"},
    ],
)
def test_other_runs_get_a_sentence_and_keep_nothing(
    study: LitStudy, browser: Browser, changes: dict[str, str]
) -> None:
    """No run, too few, too many, none of the site's, over, no time at all, twice the same day."""
    order_id = study.trial.order(study.enrolled())
    page = browser.lit(f"orders/{order_id}")
    runs = {**_proposed(browser.get(page).text), **changes}
    answer = browser.post(page, **runs)
    assert answer.status_code == 409
    assert 'class="notice stop"' in answer.text
    assert "The dose, to check by hand" in answer.text
    assert (_count(study, Course), _count(study, Bag), _count(study, BagRecord)) == (0, 0, 0)


def test_a_stale_weight_is_a_sentence(study: LitStudy, browser: Browser) -> None:
    """The page says what to do, and nobody can plan over it (D2)."""
    participant_id = study.trial.register("M-002")
    study.trial.weigh(participant_id, "59.6", days_ago=90)
    study.trial.eligible(participant_id)
    study.do("pharmacist", allocation.serve_oldest)
    order_id = study.trial.order(participant_id)
    page = browser.lit(f"orders/{order_id}")
    for answer in (browser.get(page), browser.post(page, day_1="2026-03-02T19:00:00+00:00")):
        assert answer.status_code == 409
        assert "days old" in answer.text
        assert "M-002" in answer.text


def test_without_a_slot_there_is_no_plan(study: LitStudy, browser: Browser) -> None:
    """The oldest request is served first."""
    order_id = study.trial.order(study.eligible("M-002"))
    answer = browser.get(browser.lit(f"orders/{order_id}"))
    assert answer.status_code == 409
    assert "no slot yet" in answer.text


def test_orders_of_nobody_are_not_found(browser: Browser) -> None:
    """By any id."""
    assert browser.get(browser.lit("orders/none")).status_code == 404
    assert browser.post(browser.lit("orders/none"), day_1="x").status_code == 404


@pytest.mark.parametrize("who", ["checker", "statistician"])
def test_only_the_pharmacist_plans(study: LitStudy, app: Flask, who: str) -> None:
    """Not who checks, not who made the list (E16)."""
    order_id = study.trial.order(study.enrolled())
    other = study.lit_browser(app, who)
    assert other.get(other.lit(f"orders/{order_id}")).status_code == 403
    assert other.post(other.lit(f"orders/{order_id}")).status_code == 403


def test_a_locked_room_plans_nothing(study: LitStudy, app: Flask) -> None:
    """The door first, then this page again."""
    order_id = study.trial.order(study.enrolled())
    browser = study.browser(app, "pharmacist")
    page = browser.lit(f"orders/{order_id}")
    assert browser.get(page).status_code == 303
    assert browser.post(page, day_1="2026-03-02T19:00:00+00:00").status_code == 303
    assert _count(study, Course) == 0


def test_practice_runs_are_not_all_listed(sqlite_url: str, tmp_path: Path) -> None:
    """With a run every five minutes the next hour is offered, not two thousand moments."""
    study = open_study(sqlite_url, runs="every 5 minutes")
    order_id = study.trial.order(study.enrolled())
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    browser = study.lit_browser(app, "pharmacist")
    page = browser.get(browser.lit(f"orders/{order_id}")).text
    assert len(_offered(page, 1)) == 7 * 12
    assert browser.post(browser.lit(f"orders/{order_id}"), **_proposed(page)).status_code == 303


def test_every_line_of_the_arithmetic_is_shown_whole(study: LitStudy) -> None:
    """Cutting a line in two for the page loses no figure of it."""
    order_id = study.trial.order(study.enrolled("M-002", "95.5"))
    with study.trial.look("pharmacist") as act:
        _, _, _, plan = plans.propose(act, order_id)
    shown = plan_words.arithmetic(plan)
    assert len(shown) == len(plan.arithmetic) + 1
    for line, (label, result) in zip(plan.arithmetic, shown, strict=False):
        assert line.startswith(label)
        assert line.endswith(result)
        assert result
