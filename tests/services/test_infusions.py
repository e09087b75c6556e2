"""The end of an infusion, its signature, and the nurse's own pages. K9, K10, F1."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pharmacy.domain.errors import BadForm, Refusal, WrongPassword
from pharmacy.domain.scanning import Stop
from pharmacy.persistence import bags
from pharmacy.persistence.bags import Administration
from pharmacy.services import bedside, course_pages, infusions, scanning, stops, today, verdicts
from pharmacy.services.studies import protocol_of
from tests.domain.protocols import SECOND_FILE
from tests.support.builders import PASSWORD, ZONE, Trial, add_study, make_trial


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def started(trial: Trial, bag_id: str, who: str = "nurse") -> str:
    """The scan of a bag that runs now."""
    scan = trial.do(who, scanning.scan_bag, trial.code(bag_id), "scanner", "").scan
    trial.do(who, scanning.confirm_person, scan.id, trial.card(), True)
    trial.do(who, infusions.start, scan.id)
    return str(scan.id)


@pytest.fixture
def running(trial: Trial) -> str:
    bag_id = trial.ready_bag()
    started(trial, bag_id)
    return bag_id


def test_the_end_is_signed_with_its_volume(trial: Trial, running: str) -> None:
    """K10, F1."""
    trial.clock.move(hours=5)
    trial.do("nurse", infusions.end, running, "600", "", PASSWORD)
    with trial.look("nurse") as act:
        row = act.uow.session.get_one(Administration, running)
        page = bedside.bedside(act, running)
    assert (row.infused_ml, row.ended_at) == (Decimal(600), trial.clock())
    assert page.ended == (
        ("Ended", "2 Mar 2026 15:00 CST"),
        ("Infused", "600 mL of 600 mL"),
        ("The pump ran", "5 h 00 min"),
    )
    assert page.signature is not None
    assert (page.signature.name, page.signature.meaning) == (
        "Dana Whitfield",
        infusions.END_MEANING,
    )
    assert page.signature.when == "2 Mar 2026 15:00 CST"


@pytest.mark.parametrize("text", ["", "-1", "600 mL", "6e2", "600,0", "600.05", "６００", "700"])
def test_a_volume_that_cannot_be_is_refused(trial: Trial, running: str, text: str) -> None:
    with pytest.raises(BadForm) as wrong:
        trial.do("nurse", infusions.end, running, text, "reaction", PASSWORD)
    assert set(wrong.value.errors) == {"infused_ml"}


@pytest.mark.parametrize("reason", ["", "it looked cloudy"])
def test_less_than_planned_needs_a_reason_of_the_list(
    trial: Trial, running: str, reason: str
) -> None:
    """Free words about the product would reach blinded readers."""
    with pytest.raises(BadForm) as wrong:
        trial.do("nurse", infusions.end, running, "599", reason, PASSWORD)
    assert set(wrong.value.errors) == {"reason"}
    trial.do("nurse", infusions.end, running, "0", "reaction", PASSWORD)


def test_all_of_the_bag_has_no_reason_for_less(trial: Trial, running: str) -> None:
    with pytest.raises(BadForm):
        trial.do("nurse", infusions.end, running, "600", "reaction", PASSWORD)


def test_it_ends_once_and_only_with_the_password(trial: Trial, running: str) -> None:
    with pytest.raises(WrongPassword):
        trial.do("nurse", infusions.end, running, "600", "", "not the password at all")
    trial.do("nurse", infusions.end, running, "600", "", PASSWORD)
    with pytest.raises(Refusal) as refused:
        trial.do("nurse", infusions.end, running, "500", "reaction", PASSWORD)
    assert refused.value.sentence == "This infusion was already ended."


def test_the_running_page_shows_the_rate_by_the_clock(trial: Trial, running: str) -> None:
    """35, 71, 143 mL/hour, 30 minutes a step, from 10:00."""
    seen = []
    for minutes in (0, 29, 1, 30):
        trial.clock.move(minutes=minutes)
        with trial.look("nurse") as act:
            page = bedside.bedside(act, running)
        assert page.done_about == "14:50 CST"
        seen.append((page.rate_now, page.time_left, page.next_step, page.now_min))
    assert seen == [
        ("35", "30 minutes left on this step", "next 71 mL/hour at 10:30 CST", 0),
        ("35", "1 minute left on this step", "next 71 mL/hour at 10:30 CST", 29),
        ("71", "30 minutes left on this step", "next 143 mL/hour at 11:00 CST", 30),
        ("143", "3 h 50 min left of this bag", "until finished", 60),
    ]
    assert page.steps == (
        ("10:00 CST", "35 mL/hour", False),
        ("10:30 CST", "71 mL/hour", False),
        ("11:00 CST", "143 mL/hour", True),
    )
    trial.clock.move(hours=6)
    with trial.look("nurse") as act:
        assert bedside.bedside(act, running).state == "over"


def test_a_second_bag_goes_on_with_the_day_s_ladder(trial: Trial) -> None:
    """A14."""
    first = trial.ready_bag(weight="120")
    with trial.look("nurse") as act:
        second = bags.bags_of_day(act.uow.session, bags.bag(act.uow.session, first).day_id)[1].id
    trial.release(second)
    started(trial, first)
    trial.clock.move(minutes=163)
    trial.do("nurse", infusions.end, first, "600", "", PASSWORD)
    started(trial, second)
    with trial.look("nurse") as act:
        page, before = bedside.bedside(act, second), bedside.bedside(act, first)
    assert (page.rate_now, len(page.steps), page.now_min) == ("288", 1, 162)
    assert (page.next_step, page.bag_done) == ("until finished", "")
    assert (before.next_step, before.state) == ("until this bag is empty, then bag 2", "ended")


def test_today_shows_what_may_run_and_what_runs(trial: Trial) -> None:
    bag_id = trial.ready_bag()

    def standing(who: str) -> list[tuple[str, str, str]]:
        with trial.look(who) as act:
            return [(bag.standing, bag.limit, bag.bag_id) for bag in today.today(act).bags]

    assert standing("nurse") == [("ready", "Start by 11:40 CST", "")]
    started(trial, bag_id)
    assert standing("nurse") == [("mine", "Stop and discard at 17:00 CST", bag_id)]
    assert standing("nurse2") == [("running", "Stop and discard at 17:00 CST", "")]
    trial.do("nurse", infusions.end, bag_id, "600", "", PASSWORD)
    assert standing("nurse") == []


def test_today_is_empty_before_the_scheduled_release(trial: Trial) -> None:
    """B10."""
    bag = trial.bags(trial.planned())[0]
    trial.release(bag.id)
    for minutes, shown in ((74, 0), (1, 1), (115, 1)):
        trial.clock.move(minutes=minutes)
        with trial.look("nurse") as act:
            assert len(today.today(act).bags) == shown
    trial.clock.move(minutes=1)
    with trial.look("nurse") as act:
        assert today.today(act).bags[0].standing == "late"


def test_go_shows_what_the_label_says(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    scan = trial.do("nurse", scanning.scan_bag, trial.code(bag_id), "scanner", "").scan
    with trial.look("nurse") as act:
        neutral = verdicts.screen(act, scan.id)
    trial.do("nurse", scanning.confirm_person, scan.id, trial.card(), True)
    with trial.look("nurse") as act:
        found = verdicts.screen(act, scan.id)
    assert (neutral.kind, neutral.facts, neutral.bag_id) == ("neutral", (), "")
    assert found.facts == (
        ("Volume", "600 mL"),
        ("First rate", "35 mL/hour"),
        ("Start by", "11:40 CST"),
    )
    assert found.next_step == "Both identifiers match. Week 0, day 1 of 2, bag 1 of 1."


def test_a_used_bag_says_when(trial: Trial, running: str) -> None:
    trial.do("nurse", infusions.end, running, "600", "", PASSWORD)
    scan = trial.do("nurse", scanning.scan_bag, trial.code(running), "scanner", "").scan
    with trial.look("nurse") as act:
        found = verdicts.screen(act, scan.id)
    assert found.sentence == "Stop. This bag was already used."
    assert found.next_step.startswith("It was started on 2 Mar 2026 10:00 CST and ended.")


def test_the_pharmacy_sees_every_stop_at_once(trial: Trial) -> None:
    """Newest first, with bag, participant, nurse and reason; a foreign bag tells nothing."""
    bag_id = trial.ready_bag()
    trial.do("nurse", scanning.scan_bag, "nonsense", "typed", "dark")
    trial.clock.move(minutes=1)
    scan = trial.do("nurse2", scanning.scan_bag, trial.code(bag_id), "scanner", "").scan
    trial.do("nurse2", scanning.deny_person, scan.id)
    with trial.look("pharmacist") as act:
        found = stops.stops(act)
    assert found.unseen == 2
    newest, oldest = found.lines
    assert (newest.participant, newest.bag) == ("M-002", "Week 0, day 1, bag 1 of 1")
    assert newest.sentence == scanning.sentence_of(Stop.NOT_AS_SPOKEN)
    assert newest.nurse == "Noor Haddad"
    assert (oldest.participant, oldest.bag) == ("", "No bag found")
    assert oldest.how == "Typed: Too dark or wet to scan"
    trial.do("checker", scanning.acknowledge, scan.id)
    with trial.look("coordinator") as act:
        assert stops.stops(act).unseen == 1
        assert stops.stops(act).lines[0].seen_by == "Rose Okafor"
    for who in ("nurse", "investigator", "monitor"):
        with pytest.raises(Refusal), trial.look(who) as act:
            stops.stops(act)
    assert add_study(trial, SECOND_FILE.read_text())


def test_the_participant_s_page_tells_blinded_states_only(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    with trial.look("coordinator") as act:
        _, protocol = protocol_of(act)
        found = bags.bag_with_day(act.uow.session, bag_id)
        participant_id = found[2].participant_id
        before = course_pages.courses_of(act, participant_id, protocol, ZONE)[0]
    assert before.days[0].bags[0].state == "Released"
    assert before.days[0].bags[0].note == "since 2 Mar 2026 09:45 CST"
    assert before.days[1].bags[0].state == "Planned"
    assert before.days[0].start_by == "2 Mar 2026 11:40 CST"
    assert before.dose == "120 g, 1,200 mL"
