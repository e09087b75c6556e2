"""Deliveries and their paper, from what everybody may know. K1, K6, K7, K12, B1 to B16."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta

import pytest

from labels.content import PackedBag, PackingList
from pharmacy.domain.bag_code import grouped
from pharmacy.domain.errors import Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.roles import Role
from pharmacy.persistence.bags import bag_with_day
from pharmacy.services import arrivals, infusions, packing, people
from pharmacy.services.packing import DeliveryLine
from tests.domain.protocols import SECOND_FILE
from tests.support.builders import Trial, add_study, make_live, make_trial
from tests.support.scans import go


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def listed(trial: Trial, who: str = "coordinator") -> tuple[DeliveryLine, ...]:
    with trial.look(who) as act:
        return packing.deliveries(act)


def paper(trial: Trial, day_id: str, who: str = "coordinator") -> PackingList:
    with trial.look(who) as act:
        return packing.packing_list(act, day_id)


def day_of(trial: Trial, bag_id: str) -> str:
    with trial.look("nurse") as act:
        found = bag_with_day(act.uow.session, bag_id)
        assert found is not None
        return str(found[1].id)


def two_bags(trial: Trial) -> tuple[str, str]:
    """The two bags of a 120 kg day: the first on its way, the second still planned."""
    first = trial.ready_bag(weight="120")
    with trial.look("nurse") as act:
        found = bag_with_day(act.uow.session, first)
        assert found is not None
        course_id = found[2].id
    return first, str(trial.bags(course_id)[1].id)


def receive(trial: Trial, bag_id: str) -> None:
    trial.do("nurse", arrivals.receive, trial.code(bag_id), "scanner", "")


def test_nothing_is_on_its_way_before_a_release(trial: Trial) -> None:
    trial.planned()
    assert listed(trial) == ()


def test_a_release_in_the_future_is_on_nobody_s_way(trial: Trial) -> None:
    """B10: finished early, it travels from its run's moment on and not before."""
    bag_id = trial.ready_bag()
    trial.clock.move(minutes=-16)
    assert listed(trial) == ()
    with pytest.raises(Refusal) as refusal:
        paper(trial, day_of(trial, bag_id))
    assert refusal.value.status == 409
    trial.clock.move(minutes=1)
    assert [line.participant for line in listed(trial)] == ["M-002"]


def test_a_delivery_in_words(trial: Trial) -> None:
    """K1: who it is for, which bags travel, which do not, until when."""
    first, second = two_bags(trial)
    (line,) = listed(trial)
    assert (line.participant, line.visit, line.date) == (
        "M-002",
        "Week 0, day 1 of 2",
        "2 Mar 2026",
    )
    assert (line.bags, line.on_their_way, line.elsewhere) == (
        "1 of 2 bags",
        "bag 1 of 2",
        "bag 2 of 2",
    )
    assert (line.start_by, line.late) == ("2 Mar 2026 11:42 CST", False)
    trial.release(second)
    receive(trial, first)
    (line,) = listed(trial)
    assert (line.on_their_way, line.arrived, line.elsewhere) == ("bag 2 of 2", "bag 1 of 2", "")


def test_a_delivery_is_over_when_all_of_it_was_received_or_started(trial: Trial) -> None:
    """K7."""
    first, second = two_bags(trial)
    trial.release(second)
    trial.do("nurse", infusions.start, go(trial, first).scan.id)
    assert len(listed(trial)) == 1
    receive(trial, second)
    assert listed(trial) == ()
    with pytest.raises(Refusal):
        paper(trial, day_of(trial, first))


def test_what_never_came_stays_in_sight(trial: Trial) -> None:
    """K1, K2: past its start limit, a bag that nobody received is not forgotten."""
    trial.ready_bag()
    trial.clock.move(days=3)
    (line,) = listed(trial)
    assert line.late


def test_the_order_is_run_then_participant_then_day(trial: Trial) -> None:
    """B7: nothing that follows the list or an arm; ids are random and do not count."""
    codes = ("M-009", "M-001", "M-005", "M-003")
    first_bags = [trial.bags(trial.planned(code))[0] for code in codes]
    for bag in first_bags:
        trial.release(bag.id)
    trial.clock.move(minutes=120)
    assert [line.participant for line in listed(trial)] == sorted(codes)
    tomorrow = trial.bags(trial.planned("M-000"))[1]
    trial.release(tomorrow.id, at=trial.clock() - timedelta(minutes=1))
    assert [line.participant for line in listed(trial)] == [*sorted(codes), "M-000"]


def test_the_paper_says_what_travels(trial: Trial) -> None:
    """K1, A6, A10, A12, A13, A15, C7."""
    first, _ = two_bags(trial)
    made = paper(trial, day_of(trial, first))
    assert made == PackingList(
        pharmacy_name="Magnolia Home Infusion Pharmacy",
        pharmacy_phone="205-555-0142",
        unblinding_phone="205-555-0199",
        protocol_code="MIGHT",
        participant="M-002",
        visit_and_day="Week 0, day 1 of 2",
        bag_count="1 of 2 bags",
        bags=(
            PackedBag("Bag 1 of 2", grouped(trial.code(first)), "600 mL", "2026-MAR-02 11:42 CST"),
        ),
        stop_by="Stop and discard at 2026-MAR-02 17:00 CST",
        storage="Store at 20 to 25 °C.",
        not_with_it="Not in this delivery: bag 2 of 2.",
        watermark="TRAINING - NOT FOR HUMAN USE",
    )


def test_all_bags_of_a_day_on_one_paper_each_with_its_own_limit(trial: Trial) -> None:
    """D7: a later bag may start later; both must be discarded together."""
    first, second = two_bags(trial)
    trial.release(second)
    made = paper(trial, day_of(trial, first))
    assert (made.bag_count, made.not_with_it) == ("2 bags", "")
    assert [bag.start_by for bag in made.bags] == [
        "2026-MAR-02 11:42 CST",
        "2026-MAR-02 14:25 CST",
    ]


@pytest.mark.parametrize("state", [BagState.HELD, BagState.RETURNED, BagState.LOST])
def test_a_bag_that_was_called_back_is_not_on_the_paper(trial: Trial, state: BagState) -> None:
    """K8: only what is on its way."""
    first, second = two_bags(trial)
    trial.release(second)
    trial.set_state(first, state)
    made = paper(trial, day_of(trial, first))
    assert [bag.bag_n_of_n for bag in made.bags] == ["Bag 2 of 2"]
    assert made.not_with_it == "Not in this delivery: bag 1 of 2."


def test_the_paper_names_the_cover_s_newest_code(trial: Trial) -> None:
    """K11: a paper printed after a label was replaced is compared with the new label."""
    bag_id = trial.ready_bag()
    trial.replace_code(bag_id)
    (packed,) = paper(trial, day_of(trial, bag_id)).bags
    assert packed.code == grouped(trial.code(bag_id))


def test_the_paper_has_no_weight_no_product_and_no_time_of_work(trial: Trial) -> None:
    """B2, B3, B10, B11, K12: of the plan only volumes; of the pharmacy nothing but its name."""
    bag_id = trial.ready_bag()
    made = paper(trial, day_of(trial, bag_id))
    own = [getattr(made, field.name) for field in fields(made) if field.name != "bags"]
    rows = [getattr(bag, field.name) for bag in made.bags for field in fields(bag)]
    said = " ".join([*own, *rows])
    for word in ("59.6", "kg", " g ", "Octagam", "globulin", "chloride", "mL/hour", "09:00", "5th"):
        assert word not in said


def test_it_prints(trial: Trial) -> None:
    """A25: through the same door as labels; the same act, the same bytes (B12)."""
    bag_id = trial.ready_bag()
    day_id = day_of(trial, bag_id)
    with trial.look("pharmacist") as act:
        first, again = packing.packing_list_pdf(act, day_id), packing.packing_list_pdf(act, day_id)
    assert first.startswith(b"%PDF")
    assert first == again


def test_a_live_paper_has_no_watermark(trial: Trial) -> None:
    """C7."""
    bag_id = trial.ready_bag()
    make_live(trial)
    assert paper(trial, day_of(trial, bag_id)).watermark == ""


def test_a_day_of_another_study_or_none_is_not_found(trial: Trial) -> None:
    day_id = day_of(trial, trial.ready_bag())
    for wrong in ("0" * 32, ""):
        with pytest.raises(Refusal) as refusal:
            paper(trial, wrong)
        assert refusal.value.status == 404
    home = trial.study_id
    trial.study_id = add_study(trial, SECOND_FILE.read_text())
    _give_role(trial)
    assert listed(trial) == ()
    with pytest.raises(Refusal) as refusal:
        paper(trial, day_id)
    assert refusal.value.status == 404
    assert home != trial.study_id


def _give_role(trial: Trial) -> None:
    with trial.act("administrator") as act:
        people.give_roles(
            act, trial.ids["coordinator"], trial.study_id, frozenset({Role.COORDINATOR})
        )


def test_who_sees_deliveries(trial: Trial) -> None:
    """E16: blinded facts, for those who pack and those who expect them."""
    day_id = day_of(trial, trial.ready_bag())
    for who in ("pharmacist", "checker", "coordinator"):
        assert listed(trial, who) == listed(trial)
        assert paper(trial, day_id, who) == paper(trial, day_id)
    for who in ("nurse", "investigator", "monitor"):
        with pytest.raises(Refusal) as refusal:
            listed(trial, who)
        assert refusal.value.status == 403
        with pytest.raises(Refusal) as refusal:
            paper(trial, day_id, who)
        assert refusal.value.status == 403
