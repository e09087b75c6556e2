"""Both labels of a bag, from the order to the paper, and back from the paper. A1 to A17, B10."""

from __future__ import annotations

from dataclasses import fields

import pytest

from labels.codes import Symbol, read_back
from labels.content import BagLabel, InnerLabel
from pharmacy.domain.bag_code import Piece, parse_code
from pharmacy.domain.errors import Refusal
from pharmacy.services import label_texts, plans
from pharmacy.services.bag_labels import cover_label, inner_label
from pharmacy.services.printing import WATERMARK, to_pdf
from tests.labels.paper import words_of
from tests.support.builders import Trial, make_live, make_trial


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def cover(trial: Trial, bag_id: str, staff: str = "TL/RO") -> BagLabel:
    with trial.look("pharmacist") as act:
        return cover_label(act, bag_id, staff)


def inner(trial: Trial, bag_id: str) -> InnerLabel:
    with trial.look("pharmacist") as act:
        return inner_label(act, bag_id)


def test_the_cover_label_says_what_was_ordered_and_planned(trial: Trial) -> None:
    """A1, A3, A5 to A10, A12 to A17."""
    bag = trial.bags(trial.planned())[0]
    label = cover(trial, bag.id)
    assert label.participant == "M-002"
    assert label.visit_and_day == "Week 0, day 1 of 2"
    assert (label.volume, label.bag_n_of_n) == ("600 mL", "Bag 1 of 1")
    assert label.product_line == (
        "immune globulin intravenous (human) 10%, 60 g in 600 mL, "
        "or sodium chloride 0.9% (placebo), 600 mL"
    )
    assert label.product_note == "Blinded study product"
    assert label.route == "INTRAVENOUS INFUSION ONLY. Solution for infusion."
    assert label.rate_steps == (
        ("35 mL/hour", "for 30 minutes, then"),
        ("71 mL/hour", "for 30 minutes, then"),
        ("143 mL/hour", "until finished"),
    )
    assert label.start_by == "Start by 2026-MAR-02 11:40 CST"
    assert label.stop_by == "Stop and discard at 2026-MAR-02 17:00 CST"
    assert label.handling == (
        "Single dose. Do not shake. Do not freeze. Do not add drugs. Do not remove cover."
    )
    assert label.trial_use == "For clinical trial use only. Keep out of reach of children."
    assert label.flush == "Flush with dextrose 5%, 50 mL."
    assert label.storage == "Store at 20 to 25 °C."
    assert label.date_prepared == "Prepared 2026-MAR-02"
    assert label.staff_codes == "TL/RO"
    assert label.watermark == WATERMARK == "TRAINING - NOT FOR HUMAN USE"


def test_the_prescription_number_is_the_order_s(trial: Trial) -> None:
    """A8."""
    order_id = trial.order(trial.enrolled())
    bag = trial.bags(trial.plan(order_id))[0]
    with trial.look("pharmacist") as act:
        number = plans.find_order(act, order_id).number
    assert cover(trial, bag.id).prescription == f"Rx {number}"
    assert len(number) == 6
    assert number.isdigit()


def test_the_second_bag_of_a_day_goes_on_and_has_its_own_limit(trial: Trial) -> None:
    """A13, A14, D7: 120 kg is two bags a day; the second starts when the first is in."""
    first, second, *_ = trial.bags(trial.planned(weight="120"))
    one, two = cover(trial, first.id), cover(trial, second.id)
    assert one.rate_steps[-1] == (
        "288 mL/hour",
        "until this bag is empty, then bag 2 at the same rate",
    )
    assert two.rate_steps == (
        (
            "Continue at 288 mL/hour",
            "from the first step again only if stopped longer than 60 minutes.",
        ),
    )
    assert (one.bag_n_of_n, two.bag_n_of_n) == ("Bag 1 of 2", "Bag 2 of 2")
    assert one.start_by == "Start by 2026-MAR-02 11:42 CST"
    # 288 mL/hour for 600 mL is 125 minutes: 17:00 less 125 and the margin of 30.
    assert two.start_by == "Start by 2026-MAR-02 14:25 CST"


def test_an_open_label_visit_names_the_product_alone(trial: Trial) -> None:
    """A2: "or placebo" would be false there."""
    bag = trial.bags(trial.planned(visit="W12"))[0]
    label = cover(trial, bag.id)
    assert label.product_line == "immune globulin intravenous (human) 10%, 60 g in 600 mL"
    assert label.product_note == "Open-label study product"


def test_inner_and_outer_share_their_characters_and_differ_in_the_piece(trial: Trial) -> None:
    """A12, K13."""
    bag = trial.bags(trial.planned())[0]
    outer_code, inner_code = cover(trial, bag.id).code, inner(trial, bag.id).code
    assert parse_code(outer_code).piece is Piece.OUTER_COVER
    assert parse_code(inner_code).piece is Piece.INNER_CONTAINER
    assert parse_code(outer_code).body == parse_code(inner_code).body
    assert outer_code.startswith("T")
    assert inner_code.startswith("T")


@pytest.mark.parametrize("weight", ["30", "31.3", "59.6", "120"])
@pytest.mark.parametrize("visit", ["W0", "W20"])
def test_both_print_and_read_back(trial: Trial, weight: str, visit: str) -> None:
    """L8, A25: every bag of the lightest and the heaviest fits and is read by another decoder."""
    for bag in trial.bags(trial.planned(weight=weight, visit=visit)):
        for label in (cover(trial, bag.id), inner(trial, bag.id)):
            pdf = to_pdf(label)
            reads = read_back(pdf)
            assert {read.symbol for read in reads} == {Symbol.QR, Symbol.DATA_MATRIX}
            assert {read.text for read in reads} == {label.code}
            assert to_pdf(label) == pdf
            assert WATERMARK in words_of(pdf)


def test_the_inner_label_says_that_it_is_not_released(trial: Trial) -> None:
    bag = trial.bags(trial.planned())[0]
    page = words_of(to_pdf(inner(trial, bag.id)))
    for text in ("NOT RELEASED", "M-002", "Week 0, day 1 of 2", "600 mL"):
        assert text in page
    assert "immune globulin" not in page


def test_a_label_never_says_brand_weight_or_the_moment_it_was_made(trial: Trial) -> None:
    """B2, B10, B11: the clock has moved on; the label has not."""
    bag = trial.bags(trial.planned())[0]
    before = cover(trial, bag.id)
    trial.clock.move(hours=3, minutes=7)
    assert cover(trial, bag.id) == before
    said = " ".join(str(getattr(before, field.name)) for field in fields(before))
    for secret in ("Octagam", "59.6", "kg", "08:3", "12:0"):
        assert secret not in said


def test_a_replaced_code_is_on_no_new_label(trial: Trial) -> None:
    """K11."""
    bag = trial.bags(trial.planned())[0]
    old = cover(trial, bag.id).code
    trial.replace_code(bag.id)
    assert cover(trial, bag.id).code != old


def test_a_live_study_has_no_watermark_and_another_prefix(trial: Trial) -> None:
    bag = trial.bags(trial.planned())[0]
    make_live(trial)
    label = cover(trial, bag.id)
    assert label.watermark == ""
    assert label.code.startswith("H")
    assert WATERMARK not in words_of(to_pdf(label))


def test_without_staff_codes_there_is_no_label(trial: Trial) -> None:
    """A17: fail closed."""
    bag = trial.bags(trial.planned())[0]
    with pytest.raises(Refusal) as refusal:
        cover(trial, bag.id, " ")
    assert "staff codes" in refusal.value.sentence


def test_a_text_that_does_not_fit_is_refused_not_cut(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A25."""
    bag = trial.bags(trial.planned())[0]
    monkeypatch.setattr(label_texts, "TEMPLATE_VERSION", "label v1 " * 40)
    with pytest.raises(Refusal) as refusal:
        to_pdf(cover(trial, bag.id))
    assert refusal.value.sentence.startswith("There is no room on the label for")


def test_blinded_people_print_no_bag_labels_and_other_studies_bags_are_unknown(
    trial: Trial,
) -> None:
    bag = trial.bags(trial.planned())[0]
    for who in ("coordinator", "investigator", "nurse"):
        with pytest.raises(Refusal) as refusal, trial.look(who) as act:
            cover_label(act, bag.id, "TL/RO")
        assert refusal.value.status == 403
    with pytest.raises(Refusal) as refusal:
        cover(trial, "0" * 32)
    assert refusal.value.status == 404
