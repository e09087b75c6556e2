"""Baseline factors and sites: entered, signed, corrected; each site in its own time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Role
from pharmacy.persistence import participants, signatures, studies
from pharmacy.persistence.participants import Participant
from pharmacy.services import factors, orders, participant_pages, stops
from pharmacy.services import participants as participant_verbs
from pharmacy.services import studies as study_verbs
from pharmacy.services import today as today_page
from pharmacy.unblinded import allocation, overview
from tests.support.builders import MIGHT, Trial, add_person, add_study, make_trial
from tests.support.lit_builders import LitStudy
from tests.support.strata_builders import (
    DENVER,
    open_two_sites,
    own_rules,
    protocol_text,
    register_at,
    site_id,
)
from tests.support.world import Clock

__all__ = ["own_rules"]


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    """Two sites and a protocol with one factor; no lit room."""
    made = make_trial(sqlite_url, protocol_text=protocol_text())
    made.do("administrator", study_verbs.add_site, DENVER)
    return made


def _state(trial: Trial, participant_id: str) -> str:
    with trial.look("coordinator") as act:
        return act.uow.session.get_one(Participant, participant_id).state


def _record(trial: Trial, participant_id: str, level: str, reason: str = "") -> None:
    trial.do("coordinator", factors.record, participant_id, {"age": level}, reason)


def _newest(trial: Trial, event: str) -> dict:
    return json.loads(next(row for row in trial.events() if row.event == event).body)


def test_without_factors_eligibility_cannot_be_signed(trial: Trial) -> None:
    """The sentence names what is missing; nothing is signed."""
    participant_id = register_at(trial, "M-001", "UAB")
    with trial.look("coordinator") as act:
        line = participant_pages.sheet(act, participant_id).line
    assert line.next_step == "Enter the baseline factors"
    with pytest.raises(Refusal, match=r"Enter the baseline factors before .*: Age at screening"):
        trial.eligible(participant_id)
    assert _state(trial, participant_id) == "registered"
    _record(trial, participant_id, "under_65")
    trial.eligible(participant_id)
    assert _state(trial, participant_id) == "eligible"


def test_what_is_signed_includes_them(trial: Trial) -> None:
    """The investigator reads site and factors in words; the signature's hash covers them (F4)."""
    first = register_at(trial, "M-001", "VUMC", "under_65")
    with trial.look("investigator") as act:
        shown = dict(orders.screening_facts(act, first))
    assert shown["Site"] == "VUMC"
    assert shown["Age at screening"] == "Under 65 years"
    trial.eligible(first)
    said = _newest(trial, "eligibility_signed")["new"]
    assert (said["site"], said["factors"]) == ("VUMC", {"age": "under_65"})
    with trial.look("investigator") as act:
        before = signatures.signature(act.uow.session, said["signature"]).record_sha256
    _record(trial, first, "from_65", "source")
    trial.eligible(first)
    with trial.look("investigator") as act:
        after = _newest(trial, "eligibility_signed")["new"]["signature"]
        assert signatures.signature(act.uow.session, after).record_sha256 != before


@pytest.mark.parametrize("level", ["", "1", "Under 65 years"])
def test_an_answer_that_the_protocol_does_not_have(trial: Trial, level: str) -> None:
    participant_id = register_at(trial, "M-001", "UAB")
    with pytest.raises(BadForm) as refused:
        _record(trial, participant_id, level)
    assert set(refused.value.errors) == {"factor_age"}


def test_a_correction_is_another_entry_with_its_reason(trial: Trial) -> None:
    """Nothing is overwritten, and an entry that changes nothing is none."""
    participant_id = register_at(trial, "M-001", "UAB", "under_65")
    for reason in ("", "because"):
        with pytest.raises(BadForm) as refused:
            _record(trial, participant_id, "from_65", reason)
        assert set(refused.value.errors) == {"reason"}
    with pytest.raises(Refusal, match="Nothing was changed"):
        _record(trial, participant_id, "under_65", "mistyped")
    _record(trial, participant_id, "from_65", "mistyped")
    with trial.look("coordinator") as act:
        lines = participant_pages.sheet(act, participant_id).factors
    assert [line.said for line in lines] == [
        "Age at screening: 65 years or more",
        "Age at screening: Under 65 years",
    ]
    assert [line.reason for line in lines] == ["It was entered wrongly", "First entry"]
    said = _newest(trial, "factors_corrected")
    assert (said["old"], said["new"]) == (
        {"factors": {"age": "under_65"}},
        {"factors": {"age": "from_65"}},
    )


def test_a_correction_after_the_signature_asks_for_another(trial: Trial) -> None:
    """The request is gone until then; the trail tells of it."""
    participant_id = register_at(trial, "M-001", "UAB", "under_65")
    trial.eligible(participant_id)
    _record(trial, participant_id, "from_65", "mistyped")
    assert _state(trial, participant_id) == "registered"
    with trial.look("coordinator") as act:
        assert participants.request_of(act.uow.session, participant_id) is None
    assert _newest(trial, "request_taken_back")["old"] == "eligible"
    trial.clock.move(minutes=5)
    trial.eligible(participant_id)
    with trial.look("coordinator") as act:
        request = participants.request_of(act.uow.session, participant_id)
        assert request is not None
        assert request.signed_at == trial.clock()


def test_a_correction_after_the_place_is_a_deviation(trial: Trial) -> None:
    participant_id = register_at(trial, "M-001", "UAB", "under_65")
    trial.eligible(participant_id)
    trial.allocate(participant_id)
    _record(trial, participant_id, "from_65", "source")
    assert _state(trial, participant_id) == "allocated"
    said = _newest(trial, "factors_deviation")
    assert said["new"]["deviation"] == factors.DEVIATION
    assert said["reason"] == "The source document was corrected"
    with trial.look("coordinator") as act:
        newest = participant_pages.sheet(act, participant_id).factors[0]
    assert newest.note.startswith("Deviation: ")


@pytest.mark.parametrize("who", ["investigator", "nurse", "monitor", "pharmacist"])
def test_only_the_coordinator_enters_them(trial: Trial, who: str) -> None:
    """E16."""
    participant_id = register_at(trial, "M-001", "UAB")
    with pytest.raises(Refusal) as refused:
        trial.do(who, factors.record, participant_id, {"age": "under_65"})
    assert refused.value.status == 403


def test_a_protocol_without_factors_asks_for_none(sqlite_url: str) -> None:
    trial = make_trial(sqlite_url)
    participant_id = trial.register("M-001")
    with pytest.raises(Refusal, match="asks for no baseline factors") as refused:
        _record(trial, participant_id, "under_65")
    assert refused.value.status == 404
    trial.weigh(participant_id)
    trial.eligible(participant_id)
    assert "factors" not in _newest(trial, "eligibility_signed")["new"]


def test_the_site_is_chosen_where_there_are_several(trial: Trial) -> None:
    """And the day of consent is that site's."""
    day = datetime(2026, 3, 10, 5, 30, tzinfo=UTC)  # midnight has passed in Chicago alone
    trial.clock.at = day
    for wrong in ("", "f" * 32):
        with pytest.raises(BadForm) as refused:
            trial.do("coordinator", participant_verbs.register, "M-001", day.date(), wrong)
        assert "site" in refused.value.errors
    there = (site_id(trial, "UAB"), site_id(trial, "VUMC"))
    trial.do("coordinator", participant_verbs.register, "M-001", day.date(), there[0])
    with pytest.raises(BadForm, match="future"):
        trial.do("coordinator", participant_verbs.register, "M-002", day.date(), there[1])


def test_another_studys_site_is_none_of_ours(trial: Trial) -> None:
    ours = trial.study_id
    trial.study_id = add_study(trial, MIGHT.read_text())
    theirs = site_id(trial, "UAB")
    trial.study_id = ours
    with pytest.raises(BadForm, match="Choose the participant's site"):
        trial.do("coordinator", participant_verbs.register, "M-001", trial.today(), theirs)


def test_a_site_is_added_once(trial: Trial) -> None:
    """By an administrator; the installation's trail has all of it."""
    with pytest.raises(BadForm, match="has a site with the code VUMC already"):
        trial.do("administrator", study_verbs.add_site, DENVER)
    for who in ("coordinator", "pharmacist"):
        with pytest.raises(Refusal) as refused:
            trial.do(who, study_verbs.add_site, DENVER)
        assert refused.value.status == 403
    with trial.look("administrator") as act:
        assert [site.code for site in study_verbs.study_facts(act).sites] == ["UAB", "VUMC"]
        (added,) = [s for s in studies.sites(act.uow.session, trial.study_id) if s.code == "VUMC"]
    assert added.zone == "America/Denver"


def test_two_sites_from_registration_to_the_plan(sqlite_url: str, own_rules: Path) -> None:
    """Each participant in the time of their own site, from the consent to the run."""
    clock = Clock()
    study = open_two_sites(sqlite_url, clock=clock)
    trial = study.trial
    signed_at = {}
    for code, site in (("M-001", "VUMC"), ("M-002", "UAB")):
        participant_id = register_at(trial, code, site, "under_65")
        trial.eligible(participant_id)
        signed_at[code] = participant_id
        clock.move(minutes=1)
    zones = {"M-001": "MST", "M-002": "CST"}
    for code, participant_id in signed_at.items():
        assert study.do("pharmacist", allocation.serve_oldest).code == code
        with trial.look("coordinator") as act:
            sheet = participant_pages.sheet(act, participant_id)
        assert sheet.eligibility is not None
        assert sheet.eligibility.when.endswith(zones[code])
        assert ("Site", "VUMC" if code == "M-001" else "UAB") in sheet.facts
        study.plan(trial.order(participant_id, "M0"))
    _check_board(study)


def _check_board(study: LitStudy) -> None:
    """Runs at nine there and at nine here, each with its zone; the nurse has both telephones."""
    trial = study.trial
    with trial.look("pharmacist") as act:
        lanes = dict(overview.board(act, None).lanes)
    cards = {card.participant: card.run for card in lanes[overview.Lane.PLANNED]}
    assert cards["M-001"].endswith("MST")
    assert cards["M-002"].endswith("CST")
    with trial.look("nurse") as act:
        said = today_page.today(act)
    assert [label for label, _ in said.phones] == [
        "Pharmacy UAB, 24 hours",
        "Pharmacy VUMC, 24 hours",
    ]
    with trial.look("coordinator") as act:
        assert stops.stops(act).lines == ()


def test_a_person_of_the_study_works_at_all_its_sites(trial: Trial) -> None:
    """Roles stay those of person and study."""
    trial.ids["coordinator2"] = add_person(trial, "coordinator2", "Lee Park", Role.COORDINATOR)
    for at, site in enumerate(("UAB", "VUMC")):
        consent, where = trial.today(), site_id(trial, site)
        trial.do("coordinator2", participant_verbs.register, f"M-00{at}", consent, where)
    with trial.look("coordinator2") as act:
        assert len(participant_pages.listed(act)) == 2
