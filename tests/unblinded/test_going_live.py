"""From nothing to a live study and its first allocation; and each gate, closed alone, refuses.

E21: the configuration is released to the site only after recorded approvals. C7: the dummy list is
tried first, in the practice study of the very code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import Refusal, WrongPassword
from pharmacy.domain.going_live import Gate, LitFacts, gates
from pharmacy.domain.stages import StudyStage
from pharmacy.persistence import approvals, notices
from pharmacy.persistence.authenticators import Authenticator
from pharmacy.persistence.card_keeping import CardKeeping
from pharmacy.persistence.people import Membership
from pharmacy.persistence.studies import Site
from pharmacy.services import bag_labels, going_live, participants, protocol_approvals, stages
from pharmacy.services.act import Act
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.standing_facts import lit_facts
from tests.domain.test_going_live import PLANTS
from tests.support.builders import PASSWORD
from tests.support.lit_builders import BREAK_KEY, PEPPER, open_study
from tests.support.live_study import BothStudies, known_facts, live_beside, prepared


@pytest.fixture
def both(sqlite_url: str) -> BothStudies:
    return prepared(sqlite_url)


def test_a_live_study_from_nothing_to_its_first_allocation(both: BothStudies) -> None:
    """Two people of two sides sign; then, and only then, people take part, with live codes."""
    live = both.live
    assert both.sign("investigator") is False
    with pytest.raises(Refusal, match="still being prepared"):
        live.trial.register("L-001")
    live.trial.clock.move(minutes=5)
    assert both.sign("pharmacist") is True
    course = live.planned("L-001")
    bag = live.bags(course)[0]
    with live.trial.look("pharmacist") as act:
        assert stages.named(act.uow, act.in_study) == "MIGHT (live)"
        label = bag_labels.cover_label(act, bag.id, "TL/RO")
    assert label.watermark == ""
    assert label.code.startswith("H1")
    events = [entry.event for entry in live.trial.events()]
    assert events.count(going_live.WENT_LIVE) == 1
    assert events.count("going_live_signed") == 2


def test_two_sides_that_sign_at_once_take_it_live(database_url: str) -> None:
    """E21: the second signature waits for the first, and then counts both."""
    both = prepared(database_url)
    told: list[bool] = []

    def other_side() -> None:
        told.append(both.sign("pharmacist"))

    second = Thread(target=other_side)
    with both.act("investigator") as act:
        shown = going_live.page(act, known_facts)
        signed = (known_facts, shown.fingerprint, PASSWORD)
        assert going_live.sign_going_live(act, *signed) is False
        second.start()
        second.join(1)
        assert second.is_alive()
    second.join()
    assert told == [True]
    with both.live.trial.look("investigator") as act:
        assert stages.stage_of(act.uow, act.in_study) is StudyStage.OPEN
    both.live.trial.units.close()


def test_signed_again_it_is_signed_once(both: BothStudies) -> None:
    """Double clicks, and a signature of the side that has signed."""
    both.sign("investigator")
    assert both.sign("investigator") is False
    both.sign("statistician")
    assert both.sign("statistician") is True
    with pytest.raises(Refusal, match="Sam Statham has signed for this side"):
        both.sign("pharmacist")
    assert [e.event for e in both.live.trial.events()].count("going_live_signed") == 2


def test_a_wrong_password_signs_nothing(both: BothStudies) -> None:
    """F1, 11.200."""
    with both.live.trial.look("investigator") as act:
        act = replace(act, surroundings=replace(act.surroundings, demands_second_factor=True))
        shown = going_live.page(act, known_facts)
        with pytest.raises(WrongPassword):
            going_live.sign_going_live(act, known_facts, shown.fingerprint, "not my password")
        with pytest.raises(Refusal, match="not the one that this page showed"):
            going_live.sign_going_live(act, known_facts, "00" * 32, PASSWORD)


@pytest.mark.parametrize("who", ["nurse", "coordinator", "checker", "monitor", "administrator"])
def test_nobody_else_signs(both: BothStudies, who: str) -> None:
    """E16: an administrator makes the study and cannot open it."""
    with pytest.raises(Refusal) as refused:
        both.sign(who)
    assert refused.value.status == 403


ROWS: dict[str, Callable[[Act], sa.Executable]] = {
    "approvals": lambda act: sa.delete(approvals.ProtocolApproval).where(
        approvals.ProtocolApproval.side == "clinic"
    ),
    "open_defaults": lambda act: sa.delete(approvals.DefaultConfirmation).where(
        approvals.DefaultConfirmation.number == 3
    ),
    "cards_kept": lambda act: sa.delete(CardKeeping),
    "sites_without_sponsor": lambda act: (
        sa.update(Site).where(Site.study_id == act.in_study.id).values(sponsor_phone="")
    ),
    "test_notice_taken": lambda act: sa.update(notices.NoticePost).values(sent_at=None),
    "restore_drilled": lambda act: sa.delete(approvals.RestoreDrill),
    "without_factor": lambda act: sa.delete(Authenticator).where(
        Authenticator.person_id
        == sa.select(Membership.person_id)
        .where(Membership.role == "nurse")
        .limit(1)
        .scalar_subquery()
    ),
}


def test_each_gate_closed_alone_keeps_the_study_shut(both: BothStudies) -> None:
    """E21: every planted fact, by its row or as the lit room would tell it, refuses by its name."""
    both.sign("investigator")
    for name, (value, gate) in PLANTS.items():
        told = _refused_with(both, name, value)
        with both.act("pharmacist") as act:
            titles = {one.gate: one.title for one in gates(going_live.facts_of(act, known_facts))}
        assert told == f"The study cannot go live yet: {titles[gate]}.", name
    assert both.sign("pharmacist") is True


def _refused_with(both: BothStudies, name: str, value: object) -> str:
    """The refusal of the second signature with one fact planted; nothing of it is kept."""
    facts: Any = known_facts
    if name.startswith("lit."):
        changed = {name.removeprefix("lit."): value}

        def facts(act: Act) -> LitFacts:
            return replace(known_facts(act), **changed)

    with both.live.trial.units.acting() as uow:
        act = both.live.trial.bare_act(uow, "pharmacist")
        demands = name != "demands_second_factor"
        act = replace(act, surroundings=replace(act.surroundings, demands_second_factor=demands))
        fingerprint = protocol_approvals.sheet(act).fingerprint
        if name in ROWS:
            uow.session.execute(ROWS[name](act))
        with pytest.raises(Refusal) as refused:
            going_live.sign_going_live(act, facts, fingerprint, PASSWORD)
        uow.rollback()
    return refused.value.sentence


def test_without_the_lit_room_nothing_goes_live(both: BothStudies) -> None:
    """The nurses' site shows its gates closed and refuses."""
    with both.act("investigator") as act:
        shown = going_live.page(act, None)
        assert {one.gate for one in shown.gates if not one.met} >= {Gate.LIST, Gate.DRILL}
        with pytest.raises(Refusal, match="List loaded"):
            going_live.sign_going_live(act, None, shown.fingerprint, PASSWORD)


def test_a_practice_study_never_goes_live(both: BothStudies) -> None:
    """C7."""
    with both.practice.trial.act("investigator") as act:
        shown = going_live.page(act, known_facts)
        assert (shown.practice, shown.gates, shown.may_sign) == (True, (), False)
        with pytest.raises(Refusal, match="never goes live"):
            going_live.sign_going_live(act, known_facts, shown.fingerprint, PASSWORD)


def test_at_the_beginning_every_gate_of_the_lit_room_is_closed(sqlite_url: str) -> None:
    """What is there is told, and nothing is taken from the practice study but its dummy list."""
    both = live_beside(open_study(sqlite_url))
    with both.live.trial.look("pharmacist") as act:
        assert lit_facts(act, ServerSecrets(PEPPER, BREAK_KEY)) == LitFacts()


def test_people_are_registered_in_the_study_they_are_in(both: BothStudies) -> None:
    """One code, two studies: what stands in one does not stand in the other."""
    both.sign("investigator")
    both.sign("pharmacist")
    both.practice.trial.register("M-001")
    live_id = both.live.trial.register("M-001")
    with both.live.trial.look("coordinator") as act:
        assert participants.find(act, live_id).study_id == both.live.study_id
    live, practice = both.live.trial.card, both.practice.trial.card
    assert live("M-001") != practice("M-001")
