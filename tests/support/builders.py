"""A practice study with people and participants, made through the services as people make it.

Only two things are set by hand: that a participant has a place, and that a bag was released;
both are acts of the lit room. Everything else is the product's own verbs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Flask

from pharmacy.app import create_app
from pharmacy.domain.bag_code import BagCode, Piece
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.roles import Role
from pharmacy.persistence import (
    audit,
    bags,
    courses,
    going_live,
    participants,
    people,
    studies,
)
from pharmacy.persistence.bags import Bag
from pharmacy.persistence.engine import make_engine
from pharmacy.persistence.participants import Participant
from pharmacy.services import course_bags, orders, plans
from pharmacy.services import participants as participant_verbs
from pharmacy.services import people as people_verbs
from pharmacy.services import studies as study_verbs
from pharmacy.services.act import Act
from pharmacy.services.studies import NewSite
from pharmacy.services.units import Units
from tests.support.world import Clock, KeyedChance, make_config, make_surroundings

PASSWORD = "lantern orchard violet stream"
MIGHT = Path(__file__).resolve().parents[2] / "pharmacy" / "protocols" / "might.toml"
ZONE = ZoneInfo("America/Chicago")
FIXED_RUNS = "09:00, 13:00"
PEOPLE: dict[str, tuple[str, Role]] = {
    "coordinator": ("Cora Lindqvist", Role.COORDINATOR),
    "investigator": ("Ana Rivera", Role.INVESTIGATOR),
    "nurse": ("Dana Whitfield", Role.NURSE),
    "nurse2": ("Noor Haddad", Role.NURSE),
    "pharmacist": ("Tom Lang", Role.PHARMACIST),
    "checker": ("Rose Okafor", Role.CHECKER),
    "monitor": ("Max Berger", Role.BLINDED_MONITOR),
    "assessor": ("Asa Holm", Role.OUTCOME_ASSESSOR),
}


@dataclass
class Trial:
    """One study on one database. `act` gives a committing act of a person by short name."""

    units: Units
    engine: Any
    clock: Clock
    chance: KeyedChance
    study_id: str = ""
    ids: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def act(self, who: str) -> Iterator[Act]:
        """An act that commits at the end of the block, and rolls back on an error."""
        with self.units.acting() as uow:
            yield self.bare_act(uow, who)
            uow.commit()

    @contextmanager
    def look(self, who: str) -> Iterator[Act]:
        """An act that only reads."""
        with self.units.reading() as uow:
            yield self.bare_act(uow, who)

    def bare_act(self, uow: Any, who: str) -> Act:
        """An act in a unit of work of the caller's."""
        person = people.person(uow.session, self.ids[who])
        assert person is not None
        study = studies.study(uow.session, self.study_id)
        roles = people.roles_of(uow.session, person.id, self.study_id)
        return Act(uow, make_surroundings(self.clock, self.chance), person, study, roles)

    def do(self, who: str, verb: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """One verb by one person, committed."""
        with self.act(who) as act:
            return verb(act, *args, **named)

    def today(self) -> date:
        """The site's date."""
        return self.clock().astimezone(ZONE).date()

    def register(self, code: str = "M-002") -> str:
        """A registered participant's id."""
        consent = self.today() - timedelta(days=3)
        return str(self.do("coordinator", participant_verbs.register, code, consent).id)

    def weigh(self, participant_id: str, weight: str = "59.6", days_ago: int = 0) -> None:
        """Add a weighing."""
        on = self.today() - timedelta(days=days_ago)
        self.do("coordinator", participant_verbs.weigh, participant_id, weight, on, "C. Lindqvist")

    def eligible(self, participant_id: str) -> None:
        """Sign eligibility as the investigator."""
        self.do("investigator", orders.sign_eligibility, participant_id, PASSWORD)

    def allocate(self, participant_id: str) -> None:
        """Mark the participant as having a place."""
        with self.act("pharmacist") as act:
            row = act.uow.session.get_one(Participant, participant_id)
            row.state = "allocated"
            request = participants.request_of(act.uow.session, participant_id)
            assert request is not None
            request.served_at = act.now
            act.record("allocated", f"participant:{row.code}")

    def enrolled(self, code: str = "M-002", weight: str = "59.6") -> str:
        """A participant with weight, signed eligibility and a place."""
        participant_id = self.register(code)
        self.weigh(participant_id, weight)
        self.eligible(participant_id)
        self.allocate(participant_id)
        return participant_id

    def order(
        self, participant_id: str, visit: str = "W0", first_day: date | None = None, **named: Any
    ) -> str:
        """A signed order's id."""
        given = {"at_risk": False, "premedication": "", **named}
        signed = self.do(
            "investigator",
            orders.sign_order,
            participant_id,
            visit,
            first_day or self.today(),
            given["at_risk"],
            given["premedication"],
            PASSWORD,
        )
        return str(signed.id)

    def plan(self, order_id: str, first: datetime | None = None) -> str:
        """A planned course's id: the first run that can be chosen, and the same hour after it."""
        with self.act("pharmacist") as act:
            _, participant, _, proposed = plans.propose(act, order_id)
            site = participant_verbs.site_of(act, participant)
            start = first or plans.run_choices(act, site, self.today())[0]
            runs = [
                (start.astimezone(ZONE) + timedelta(days=n)).astimezone(start.tzinfo)
                for n in range(len(proposed.days))
            ]
            return str(plans.plan_course(act, order_id, runs).id)

    def planned(self, code: str = "M-002", weight: str = "59.6", visit: str = "W0") -> str:
        """A planned course of a new participant."""
        return self.plan(self.order(self.enrolled(code, weight), visit))

    def bags(self, course_id: str) -> list[Bag]:
        """The bags of a course in the order they are given."""
        with self.units.reading() as uow:
            days = courses.days_of(uow.session, course_id)
            return [bag for day in days for bag in bags.bags_of_day(uow.session, day.id)]

    def release(self, bag_id: str, at: datetime | None = None) -> None:
        """Release a bag, from `at` on or from its run's usual moment on."""
        with self.act("pharmacist") as act:
            found = bags.bag_with_day(act.uow.session, bag_id)
            assert found is not None
            bag, day, _ = found
            bag.released_at = at or day.run_at + timedelta(minutes=45)
            assert bags.move(act.uow.session, bag.id, BagState.PLANNED, BagState.RELEASED)
            act.record("bag_released", f"bag:{bag.id}", at=bag.released_at)

    def set_state(self, bag_id: str, state: BagState) -> None:
        """Put a bag into a state by hand."""
        with self.act("pharmacist") as act:
            act.uow.session.get_one(Bag, bag_id).state = state.value
            act.record("state_set", f"bag:{bag_id}")

    def replace_code(self, bag_id: str) -> None:
        """Retire the code of a bag's labels and give another."""
        with self.act("pharmacist") as act:
            row = bags.open_code(act.uow.session, bag_id)
            row.retired_at, row.reason = act.now, "smeared"
            act.uow.session.flush()
            course_bags.new_bag_code(act, bag_id)
            act.record("label_replaced", f"bag:{bag_id}")

    def ready_bag(self, code: str = "M-002", weight: str = "59.6") -> str:
        """A bag of day 1 that may be started now: the clock stands an hour after its run."""
        bag = self.bags(self.planned(code, weight))[0]
        self.release(bag.id)
        with self.units.reading() as uow:
            found = bags.bag_with_day(uow.session, bag.id)
        assert found is not None
        self.clock.at = found[1].run_at + timedelta(minutes=60)
        return str(bag.id)

    def code(self, bag_id: str, piece: Piece = Piece.OUTER_COVER) -> str:
        """The 20 characters on one of the bag's two labels."""
        with self.units.reading() as uow:
            return BagCode(True, piece, bags.open_code(uow.session, bag_id).body).text

    def card(self, code: str = "M-002") -> str:
        """The 20 characters on a participant's card."""
        with self.units.reading() as uow:
            row = participants.by_code(uow.session, self.study_id, code)
            assert row is not None
            card = participants.open_card(uow.session, row.id)
            assert card is not None
            return BagCode(True, Piece.CARD, card.body).text

    def events(self) -> list[audit.AuditEntry]:
        """The study's blinded trail, newest first."""
        with self.units.reading() as uow:
            return audit.entries(uow.session, self.study_id)


def make_trial(
    database_url: str,
    clock: Clock | None = None,
    chance: KeyedChance | None = None,
    *,
    runs: str = FIXED_RUNS,
    protocol_text: str | None = None,
) -> Trial:
    """A practice study with one site and the people of `PEOPLE`, all with `PASSWORD`."""
    engine = make_engine(database_url)
    clock, chance = clock or Clock(), chance or KeyedChance()
    trial = Trial(Units(engine, clock), engine, clock, chance)
    trial.ids["administrator"] = _administrator(trial)
    trial.study_id = add_study(trial, protocol_text or MIGHT.read_text(), runs)
    with trial.act("administrator") as act:
        for name, (full_name, role) in PEOPLE.items():
            trial.ids[name] = _add_person(trial, act, name, full_name, role)
    return trial


def blinded_app(trial: Trial, database_url: str, instance_dir: Path) -> Flask:
    """The app as the nurses' site runs it: the lit room is left out of the process."""
    config = make_config(database_url, instance_dir, lit_room=False)
    return create_app(config, make_surroundings(trial.clock, trial.chance))


def add_study(trial: Trial, protocol_text: str, runs: str = FIXED_RUNS) -> str:
    """Another practice study's id."""
    site = NewSite(
        code="UAB",
        pharmacy_name="Magnolia Home Infusion Pharmacy",
        pharmacy_address="1200 5th Ave S, Birmingham AL 35233",
        pharmacy_phone="205-555-0142",
        unblinding_phone="205-555-0199",
        zone="America/Chicago",
        investigator_name="A. Rivera, MD",
        run_times=runs,
    )
    return str(
        trial.do("administrator", study_verbs.make_study, "practice", protocol_text, site).id
    )


def add_person(trial: Trial, name: str, full_name: str, role: Role) -> str:
    """A person with a role in the trial's study and the common password."""
    with trial.act("administrator") as act:
        return _add_person(trial, act, name, full_name, role)


def _add_person(trial: Trial, act: Act, name: str, full_name: str, role: Role) -> str:
    person, token = people_verbs.add_person(act, f"{name}.test", full_name, name[:2].upper())
    people_verbs.give_roles(act, person.id, trial.study_id, frozenset({role}))
    people_verbs.choose_password(act.uow, act.surroundings, token, PASSWORD)
    return str(person.id)


def make_live(trial: Trial) -> None:
    """Turn the study live by its rows, as if it had been prepared and had gone live."""
    with trial.act("administrator") as act:
        act.uow.session.execute(
            sa.update(studies.Study).where(studies.Study.id == trial.study_id).values(mode="live")
        )
        going_live.go_live(act.uow.session, trial.study_id, act.now)
        act.record("study_changed_by_test", f"study:{trial.study_id}")


def _administrator(trial: Trial) -> str:
    around = make_surroundings(trial.clock, trial.chance)
    with trial.units.acting() as uow:
        token = people_verbs.set_up_link(uow, around)
        uow.commit()
    assert token is not None
    with trial.units.acting() as uow:
        person = people_verbs.set_up(
            uow, around, token, "admin.test", "Ada Minister", "AM", PASSWORD
        )
        uow.commit()
    return str(person.id)
