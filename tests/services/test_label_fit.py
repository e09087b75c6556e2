"""A label without room is found when a protocol or a plan is made, not at the bench. A25."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from pharmacy.cli import cli
from pharmacy.domain.admitted import longest_plan_check, people
from pharmacy.domain.dosing import plan
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.history import History
from pharmacy.domain.protocol import Protocol, ProtocolError, parse_protocol
from pharmacy.persistence import courses
from pharmacy.persistence.participants import Participant
from pharmacy.persistence.studies import Site
from pharmacy.services import label_fit, plans, site_texts
from pharmacy.services import participants as participant_verbs
from pharmacy.services import studies as study_verbs
from pharmacy.services.label_fit import OnPaper, need_plan_fits, need_protocol_fits
from tests.domain.protocols import MIGHT_FILE, might, second
from tests.support.builders import Trial, make_trial
from tests.support.laid_down import lay_down

# Twelve short steps: the day is not longer for them, the label is.
STEPS = [f"0.0{10 + 2 * step}" for step in range(11)]
LADDER = "\n".join(
    [
        *(f'    {{ rate_ml_per_kg_per_min = "{rate}", minutes = 5 }},' for rate in STEPS),
        '    { rate_ml_per_kg_per_min = "0.04" },',
    ]
)
SHORT_LADDER = (
    '    { rate_ml_per_kg_per_min = "0.01", minutes = 30 },\n'
    '    { rate_ml_per_kg_per_min = "0.02", minutes = 30 },\n'
    '    { rate_ml_per_kg_per_min = "0.04" },'
)
PAPER = OnPaper(
    site=Site(
        pharmacy_name="Magnolia Home Infusion Pharmacy",
        pharmacy_address="1200 5th Ave S, Birmingham AL 35233",
        pharmacy_phone="205-555-0142",
        unblinding_phone="205-555-0199",
        zone="America/Chicago",
        investigator_name="A. Rivera, MD",
    ),
    participant=Participant(code="M-002"),
    order_number="123456",
    practice=True,
)


def many_steps() -> str:
    text = MIGHT_FILE.read_text("utf-8")
    assert text.count(SHORT_LADDER) == 2
    return text.replace(SHORT_LADDER, LADDER).replace('code = "MIGHT"', 'code = "STEPS"', 1)


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


@pytest.mark.parametrize("protocol", [might(), second()], ids=["MIGHT", "second"])
def test_both_protocols_have_room(protocol: Protocol) -> None:
    need_protocol_fits(protocol)


@pytest.mark.parametrize("protocol", [might(), second()], ids=["MIGHT", "second"])
def test_a_plan_of_a_protocol_with_room_has_room(protocol: Protocol) -> None:
    """The widest of all shapes was asked, so no plan is wider: a person in every few."""
    everybody = list(people(protocol, protocol.weight.minimum_kg, protocol.weight.maximum_kg))
    for person in everybody[:: max(1, len(everybody) // 60)]:
        for visit in (protocol.visits[0].code, protocol.infusion_visits()[-1].code):
            made = plan(person.weight_kg, protocol, visit, True, History(), body=person.body)
            need_plan_fits(made, protocol, PAPER)


def test_too_many_steps_are_refused_when_a_study_is_made(trial: Trial, tmp_path: Path) -> None:
    """A25: they keep the time limits, so nothing but the label can tell."""
    protocol = parse_protocol(many_steps())
    assert longest_plan_check(protocol).duration_min < 318
    with pytest.raises(ProtocolError, match=r"label: Week 0, .* no room on the label for: rate"):
        need_protocol_fits(protocol)
    site = study_verbs.NewSite(
        "UAB",
        PAPER.site.pharmacy_name,
        PAPER.site.pharmacy_address,
        PAPER.site.pharmacy_phone,
        PAPER.site.unblinding_phone,
        PAPER.site.zone,
        PAPER.site.investigator_name,
        "09:00, 13:00",
    )
    with trial.act("administrator") as act, pytest.raises(BadForm) as refused:
        study_verbs.make_study(act, "practice", many_steps(), site)
    assert set(refused.value.errors) == {"protocol"}
    file = tmp_path / "steps.toml"
    file.write_text(many_steps(), "utf-8")
    told = CliRunner().invoke(cli, ["protocol", "check", str(file)])
    assert (told.exit_code, told.stdout) == (1, "")
    assert "no room on the label for: rate steps" in told.stderr


def test_a_plan_without_room_is_refused_before_it_is_kept(trial: Trial) -> None:
    """A25: before the drug is drawn; the planning page says it already."""
    order_id = trial.order(trial.enrolled())
    with trial.look("pharmacist") as act:
        plans.propose(act, order_id)
    lay_down(trial, SHORT_LADDER, LADDER)
    with trial.look("pharmacist") as act:
        with pytest.raises(Refusal, match="Week 0, day 1, bag 1: There is no room on the label"):
            plans.propose(act, order_id)
        assert courses.course_of_order(act.uow.session, order_id) is None
    with pytest.raises(Refusal, match="rate steps"):
        trial.plan(order_id)


def test_a_label_that_must_say_more_is_refused_with_its_protocol() -> None:
    """A16: without the words of trial use no label could be printed."""
    silent = replace(second(), label=replace(second().label, handling=("Single dose",)))
    with pytest.raises(ProtocolError, match="no text for: trial use"):
        need_protocol_fits(silent)


@pytest.mark.parametrize(
    ("text", "step", "widest"),
    [
        ("Continue at 143 mL/hour", "1", "Continue at 000 mL/hour"),
        ("18 mL/hour", "0.1", "00.0 mL/hour"),
        ("1,018.25 mL/hour for 30 minutes", "0.05", "0,000.00 mL/hour for 00 minutes"),
    ],
)
def test_a_figure_is_taken_at_its_widest(text: str, step: str, widest: str) -> None:
    rates = replace(might().rates, pump_step_ml_per_hour=Decimal(step))
    assert label_fit._widest_text(text, replace(might(), rates=rates)) == widest


@pytest.mark.parametrize(("code", "fits"), [("W" * 10, False), ("MIGHT-0012", True)])
def test_a_participants_code_has_room_or_is_not_registered(
    trial: Trial, code: str, fits: bool
) -> None:
    """A25: labels and card are asked, since a code cannot be changed later."""
    assert site_texts.room_for_participant(code) is fits
    with trial.act("coordinator") as act:
        if fits:
            assert participant_verbs.register(act, code, date(2026, 3, 1)).code == code
            return
        with pytest.raises(BadForm, match="too wide"):
            participant_verbs.register(act, code, date(2026, 3, 1))
