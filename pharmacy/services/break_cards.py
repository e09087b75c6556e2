"""Sealed code-break cards as everybody may know of them: places, seals, counts, what was wrong.

One set is in the pharmacy, one with the on-call physician. Nothing here knows what a card says.
Whoever counts a set does not keep it alone: the pharmacy counts its own seals, the coordinator
those of the physician.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pharmacy.domain.errors import BadForm, Conflict, Refusal
from pharmacy.domain.roles import Permission, Role
from pharmacy.domain.site_time import format_moment
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import break_cards, marks, participants, people
from pharmacy.persistence.break_cards import (
    BROKEN,
    MISSING,
    OPENED,
    PRINTED,
    SEALED,
    VOID,
    BreakCard,
    SealCheck,
)
from pharmacy.persistence.participants import Participant
from pharmacy.persistence.people import Person
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.services import notices, seal_reports, signing, stages
from pharmacy.services.act import Act
from pharmacy.services.study_time import study_moment, study_zone

SETS = {"pharmacy": "Pharmacy", "physician": "On-call physician"}
COUNTED_BY = {
    "pharmacy": frozenset({Role.PHARMACIST, Role.CHECKER}),
    "physician": frozenset({Role.COORDINATOR}),
}
STATES = {
    PRINTED: "Printed, not in its place yet",
    SEALED: "Sealed",
    OPENED: "Opened in an emergency",
    BROKEN: "Seal broken",
    MISSING: "Missing",
    VOID: "Void",
}
FOUND = {"intact": "Seal intact", "broken": "Seal broken", "missing": "Not there"}
OPENED_WHY = {
    "treatment": "Treatment of an emergency depended on it",
    "overdose": "Overdose or wrong bag",
    "pregnancy": "Pregnancy exposure",
    "other": "Other, told to the sponsor",
}
CHECKED_MEANING = "I have seen each of these seals and its number myself."
OPENED_MEANING = "This is what happened, as far as I know."
CHECK_EVERY = timedelta(days=7)
_OUT_OF_ORDER = {"broken": BROKEN, "missing": MISSING}


@dataclass(frozen=True)
class CardLine:
    """One card that counts, in words."""

    id: str
    participant: str
    card_set: str
    number: str
    seal_number: str
    place: str
    custodian: str
    state: str
    state_text: str


@dataclass(frozen=True)
class SetPage:
    """One set: its cards, who counts it, when it was counted last, and whether that is too old."""

    key: str
    title: str
    cards: tuple[CardLine, ...]
    last: str
    overdue: bool
    counts: bool

    @property
    def sealed(self) -> tuple[CardLine, ...]:
        """The cards whose seals are to be seen."""
        return tuple(card for card in self.cards if card.state == SEALED)

    @property
    def out_of_order(self) -> tuple[CardLine, ...]:
        """The cards that were found broken or missing and wait for another one."""
        return tuple(card for card in self.cards if card.state in (BROKEN, MISSING))


@dataclass(frozen=True)
class Opened:
    """What somebody tells of a card that was opened: who, when, why.

    `person_id` is a user of this study, or empty for `name`, somebody outside.
    """

    card_id: str
    person_id: str
    name: str
    at: datetime
    reason: str


def sets(act: Act) -> tuple[SetPage, ...]:
    """Both sets of the act's study."""
    act.permit(Permission.SEE_BREAK_CARDS)
    return tuple(set_page(act, card_set) for card_set in SETS)


def set_page(act: Act, card_set: str) -> SetPage:
    """One set; another word is refused (404)."""
    act.permit(Permission.SEE_BREAK_CARDS)
    if card_set not in SETS:
        raise Refusal("There is no such set of cards.", status=404)
    zone = study_zone(act)
    counted = break_cards.checks(act.uow.session, act.in_study.id, card_set)
    return SetPage(
        key=card_set,
        title=SETS[card_set],
        cards=tuple(line for line in lines(act) if line.card_set == card_set),
        last=_last(act, counted[0], zone) if counted else "",
        overdue=_overdue(act, card_set, counted[0].at if counted else None),
        counts=not COUNTED_BY[card_set].isdisjoint(act.roles),
    )


def lines(act: Act) -> list[CardLine]:
    """Every card that is not void, by participant and set."""
    session = act.uow.session
    codes = {one.id: one.code for one in participants.of_study(session, act.in_study.id)}
    found = [
        line_of(card, codes[card.participant_id])
        for card in break_cards.of_study(session, act.in_study.id)
        if card.state != VOID
    ]
    return sorted(found, key=lambda line: (line.participant, line.card_set))


def line_of(card: BreakCard, code: str) -> CardLine:
    """One card in words."""
    return CardLine(
        id=card.id,
        participant=code,
        card_set=card.card_set,
        number=card.number,
        seal_number=card.seal_number,
        place=card.place,
        custodian=card.custodian,
        state=card.state,
        state_text=STATES[card.state],
    )


def lacking(uow: UnitOfWork, participant_id: str) -> tuple[str, ...]:
    """The sets in which this participant never had a card in its envelope and place, in words."""
    made = {
        card.card_set
        for card in break_cards.of_participant(uow.session, participant_id)
        if card.recorded
    }
    return tuple(title for key, title in SETS.items() if key not in made)


def count(act: Act, card_set: str, found: Mapping[str, str], password: str) -> SealCheck:
    """Record one count of a set's seals with a signature; `found` maps each card to `FOUND`.

    A seal that is broken or not there takes its card out of order, is recorded for itself, opens a
    report of a suspected unblinding, and is told to pharmacy and sponsor. Every sealed card must be
    answered for (`BadForm`); a set that is not the person's to count is refused (403), one without
    a sealed card too (409).
    """
    page = set_page(act, card_set)
    stages.admit(act, StudyAct.KEEP)
    if not page.counts:
        raise Refusal("This set is counted by somebody else.", status=403)
    if not page.sealed:
        raise Refusal("No card of this set is sealed; there is nothing to count.")
    asked = {f"seal-{card.id}": found.get(card.id, "") for card in page.sealed}
    wrong = [name for name, said in asked.items() if said not in FOUND]
    if wrong:
        raise BadForm(dict.fromkeys(wrong, "Say how you found this seal."))
    faults = {card: found[card.id] for card in page.sealed if found[card.id] != "intact"}
    facts = {card.number: found[card.id] for card in page.sealed}
    check_id = act.new_id("seal check")
    signing.sign(act, password, CHECKED_MEANING, "seal_check", check_id, {"seals": facts})
    made = SealCheck(
        id=check_id,
        study_id=act.in_study.id,
        card_set=card_set,
        at=act.now,
        person_id=act.person.id,
        cards=len(page.sealed),
        faults=len(faults),
    )
    act.uow.session.add(made)
    act.record("seals_counted", f"break_cards:{card_set}", new=facts)
    for card, said in faults.items():
        _out_of_order(act, card, said)
    act.uow.session.flush()
    return made


def tell_opened(act: Act, told: Opened, password: str) -> None:
    """Record that a card was opened in an emergency: a broken code, by card instead of by key.

    Whoever opened it and is a user of this study gets the mark that stays. Pharmacy and sponsor are
    told by whom, and neither whose code nor which arm. Refused: a card that is not sealed any more
    (409), a moment in the future or before the card was made (`BadForm`).
    """
    act.permit(Permission.SEE_BREAK_CARDS)
    card, participant = find(act, told.card_id)
    who = _who(act, told)
    if told.reason not in OPENED_WHY:
        raise BadForm({"reason": "Choose why."})
    if told.at > act.now:
        raise BadForm({"opened_at": "This moment is still to come."})
    if told.at < card.made_at:
        raise BadForm({"opened_at": "This card was not made yet at that moment."})
    facts = {"card": card.number, "set": card.card_set, "by": who, "at": told.at}
    signed = {**facts, "at": told.at.isoformat(), "reason": told.reason}
    signing.sign(act, password, OPENED_MEANING, "break_card_opened", card.id, signed)
    if not break_cards.move(act.uow.session, card.id, (SEALED, BROKEN, MISSING), OPENED):
        raise Refusal("This card is not sealed any more. Open the page again.")
    act.record(
        "code_break_by_card", f"participant:{participant.code}", new=facts, reason=told.reason
    )
    if told.person_id:
        marks.set_mark(act.uow.session, act.in_study.id, told.person_id, act.now)
    notices.tell(
        act,
        f"card|{card.id}",
        f"The code of a participant was broken by {who} with a sealed card at "
        f"{study_moment(act, told.at)}; no arm is told here.",
    )


def find(act: Act, card_id: str) -> tuple[BreakCard, Participant]:
    """A card of this study with its participant, or a refusal (404)."""
    card = break_cards.card(act.uow.session, card_id)
    if card is None or card.study_id != act.in_study.id:
        raise Refusal("There is no such card in this study.", status=404)
    return card, act.uow.session.get_one(Participant, card.participant_id)


def openers(act: Act) -> list[Person]:
    """Users of the study who may have opened a card, by name."""
    found: dict[str, Person] = {}
    for role in Role:
        for person in people.members(act.uow.session, act.in_study.id, role):
            found[person.id] = person
    return sorted(found.values(), key=lambda person: person.full_name)


def _who(act: Act, told: Opened) -> str:
    if not told.person_id:
        if not told.name:
            raise BadForm({"name": "Say who opened it: choose a person, or write the name."})
        return told.name
    for person in openers(act):
        if person.id == told.person_id:
            return person.full_name
    raise BadForm({"person": "Choose a person of this study, or write the name below."})


def _out_of_order(act: Act, card: CardLine, said: str) -> None:
    """A seal that is not as it should be: somebody may have read the card."""
    if not break_cards.move(act.uow.session, card.id, (SEALED,), _OUT_OF_ORDER[said]):
        raise Conflict
    facts = {"card": card.number, "set": card.card_set, "seal": card.seal_number}
    act.record("break_card_out_of_order", f"participant:{card.participant}", new=facts, reason=said)
    seal_reports.open_report(act, find(act, card.id)[0], card.participant)
    how = "with a broken seal" if said == "broken" else "missing"
    notices.tell(
        act,
        f"card|{card.id}|{said}",
        f"A sealed code-break card ({SETS[card.card_set]}) was found {how} by "
        f"{act.person.full_name} at {study_moment(act, act.now)}. Whether anybody read "
        "it is for the unblinded team to find out and sign; no arm is told here.",
    )


def _last(act: Act, checked: SealCheck, zone: ZoneInfo) -> str:
    person = people.person(act.uow.session, checked.person_id)
    name = person.full_name if person else ""
    return f"{format_moment(checked.at, zone)}, {checked.cards} seals, by {name}"


def _overdue(act: Act, card_set: str, last: datetime | None) -> bool:
    """Whether a set with sealed cards was not counted for a week, or never since its first card."""
    sealed = [
        card.made_at
        for card in break_cards.of_study(act.uow.session, act.in_study.id)
        if card.card_set == card_set and card.state == SEALED
    ]
    since = last or min(sealed, default=None)
    return bool(sealed) and since is not None and act.now - since > CHECK_EVERY
