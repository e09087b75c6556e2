"""A live study beside its practice study, prepared through the services up to its last gate.

The same people work in both; the dummy list is confirmed in the practice study, and everything that
a gate asks is done in the live one. Only the authenticators are rows of their own: nothing here
signs in with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from pharmacy.domain.going_live import LitFacts
from pharmacy.persistence.authenticators import Authenticator
from pharmacy.services import (
    going_live,
    notices,
    protocol_approvals,
    readiness,
)
from pharmacy.services import people as people_verbs
from pharmacy.services import studies as study_verbs
from pharmacy.services.act import Act
from pharmacy.services.studies import NewSite
from pharmacy.unblinded import dummy_lists, recovery_custody
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.standing_facts import lit_facts
from pharmacy.unblinded.study_files import rules_of
from pharmacy.unblinded.tables_recovery import SHEETS
from tests.support.builders import FIXED_RUNS, MIGHT, PASSWORD, PEOPLE, Trial
from tests.support.lit_builders import BREAK_KEY, LIT_PEOPLE, PEPPER, LitStudy, open_study
from tests.support.world import KeyedChance

LIVE_ARMS = "112212211221"
SITE = NewSite(
    code="UAB",
    pharmacy_name="Magnolia Home Infusion Pharmacy",
    pharmacy_address="1200 5th Ave S, Birmingham AL 35233",
    pharmacy_phone="205-555-0142",
    unblinding_phone="205-555-0199",
    sponsor_phone="205-555-0111",
    zone="America/Chicago",
    investigator_name="A. Rivera, MD",
    run_times=FIXED_RUNS,
)
BACKUP = "5a" * 32


@dataclass
class BothStudies:
    """The two studies of one code, with the same people."""

    practice: LitStudy
    live: LitStudy

    @contextmanager
    def act(self, who: str, *, demands: bool = True) -> Iterator[Act]:
        """An act in the live study of an installation that demands a second factor."""
        with self.live.trial.act(who) as act:
            around = replace(act.surroundings, demands_second_factor=demands)
            yield replace(act, surroundings=around)

    def sign(self, who: str, facts: Callable[[Act], LitFacts] | None = None) -> bool:
        """One side's signature that the study goes live."""
        with self.act(who) as act:
            shown = going_live.page(act, facts or known_facts)
            return going_live.sign_going_live(
                act, facts or known_facts, shown.fingerprint, PASSWORD
            )


def known_facts(act: Act) -> LitFacts:
    """What the lit room tells, as the joined app asks it."""
    return lit_facts(act, ServerSecrets(PEPPER, BREAK_KEY))


def live_beside(practice: LitStudy) -> BothStudies:
    """A live study of the practice study's code, with its people in the same roles."""
    trial = practice.trial
    made = trial.do("administrator", study_verbs.make_study, "live", MIGHT.read_text(), SITE)
    live = replace(trial, study_id=made.id)
    with trial.act("administrator") as act:
        for name, (_, role) in {**PEOPLE, **LIT_PEOPLE}.items():
            people_verbs.give_roles(act, trial.ids[name], made.id, frozenset({role}))
    return BothStudies(practice, LitStudy(live, dict(practice.passphrases)))


def prepared(database_url: str, chance: KeyedChance | None = None) -> BothStudies:
    """A live study of which every gate is open, and nobody has signed that it goes live."""
    both = begun(database_url, chance)
    approve(both.live.trial)
    _make_ready(both.live.trial)
    return both


def begun(database_url: str, chance: KeyedChance | None = None) -> BothStudies:
    """The same before anybody has read the protocol: what the lit room does is done."""
    both = unprepared(database_url, chance)
    make_lit_room(both)
    return both


def unprepared(database_url: str, chance: KeyedChance | None = None) -> BothStudies:
    """A live study in which nothing is done yet; its practice study is as it was left."""
    return live_beside(open_study(database_url, chance=chance))


def make_lit_room(both: BothStudies) -> None:
    """The dummy list is confirmed by two; then keys, list, investigator and recovery sheets."""
    for who in ("pharmacist", "checker"):
        both.practice.do(who, dummy_lists.confirm, rules_of("MIGHT"), True, PASSWORD)
    _make_lit_room(both.live)


def approve(trial: Trial) -> None:
    """Both sides approve the protocol and the pharmacist confirms every marked default."""
    for who in ("investigator", "pharmacist"):
        with trial.act(who) as act:
            read = protocol_approvals.sheet(act)
            protocol_approvals.approve(act, read.fingerprint, PASSWORD)
    with trial.act("pharmacist") as act:
        read = protocol_approvals.sheet(act)
        every = frozenset(line.number for line in read.defaults)
        protocol_approvals.confirm_defaults(act, every, read.fingerprint, PASSWORD)


def _make_lit_room(live: LitStudy) -> None:
    live.found()
    for who in ("pharmacist", "pharmacist2", "checker"):
        live.grant(who)
    live.load(LIVE_ARMS)
    live.enrol_breaker()
    live.try_break_keys()
    live.drill()
    for name in SHEETS:
        said = (f"Custodian {name}", f"Building {name[1]}", f"S-{name}", True, PASSWORD)
        live.do("statistician", recovery_custody.record_place, name, *said)


def _make_ready(trial: Trial) -> None:
    trial.do("administrator", readiness.send_test_notice)
    on = trial.today()
    trial.do("administrator", readiness.record_restore_drill, on, BACKUP, PASSWORD)
    said: tuple[Any, ...] = ("Narcotics safe", "Dr. Ames", "205-555-0177", PASSWORD)
    trial.do("pharmacist", readiness.record_card_keeping, *said)
    plant_mail_and_factors(trial)


def plant_mail_and_factors(trial: Trial) -> None:
    """A mail server takes the test notice, and everybody has an authenticator."""
    with trial.units.acting() as uow:
        letter = notices.take_due(uow)
        assert letter is not None
        notices.sent(uow, letter)
        uow.commit()
    with trial.act("administrator") as act:
        for person_id in trial.ids.values():
            act.uow.session.add(
                Authenticator(
                    person_id=person_id, secret=bytes(113), set_up_at=act.now, codes_kept=True
                )
            )
        act.record("authenticators_planted_by_test", f"study:{trial.study_id}")
