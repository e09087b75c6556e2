"""Printing a participant's sealed code-break cards: an audited opening each, and the arm on paper.

What is opened goes to whoever draws the card and is kept nowhere. That there is a card, its number
and its seal are blinded facts; they stand in the clear, in a blinded table and the blinded trail.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import break_cards, participants
from pharmacy.persistence.break_cards import PRINTED, SEALED, VOID, BreakCard
from pharmacy.persistence.departures import had_place
from pharmacy.persistence.participants import Participant
from pharmacy.persistence.studies import Site
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.services.break_cards import SETS, CardLine, line_of
from pharmacy.services.printing import WATERMARK
from pharmacy.services.studies import protocol_of
from pharmacy.unblinded.arm_words import arm_words
from pharmacy.unblinded.break_card_paper import CardText, need_room
from pharmacy.unblinded.envelope import open_envelope
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.warrants import commit_warrant

CARD_OPENED = "break_card_opened"
FIRST = "first"
# Why another card is made; the old one is void from then on. The same words in both arms.
REPLACED_WHY = {
    "spoilt": "Spoilt at the printer or while it was sealed",
    "lost": "Lost or not found at a count",
    "damaged": "Envelope or seal damaged",
    "opened": "Opened in an emergency",
    "moved": "Another custodian or place",
}
_LONGEST = {"seal_number": 40, "place": 80, "custodian": 80}


@dataclass(frozen=True)
class Wanted:
    """What is typed before a card is printed. `reason` is empty for the first card of a set."""

    card_set: str
    seal_number: str
    place: str
    custodian: str
    reason: str
    form: str = field(repr=False)


@dataclass(frozen=True)
class ParticipantCards:
    """One participant with the card of each set that counts now, if there is one."""

    id: str
    code: str
    cards: dict[str, CardLine | None]


def table(act: Act) -> list[ParticipantCards]:
    """Every participant who was given a place, with both cards; nobody else ever has one."""
    act.permit(Permission.PREPARE)
    session = act.uow.session
    found = participants.of_study(session, act.in_study.id)
    return [_cards_of(act, one) for one in found if had_place(session, one.id)]


def cards_of(act: Act, participant_id: str) -> ParticipantCards:
    """One of them; somebody without a place is refused (404)."""
    act.permit(Permission.PREPARE)
    return _cards_of(act, _with_a_place(act, participant_id))


def open_card(act: Act, room: OpenRoom, participant_id: str, wanted: Wanted) -> CardText:
    """Open one participant's envelope for one card; what is returned goes to the printer alone.

    Commits the card, and in both trails that it is opened, before anything is: participant, number,
    set and seal. A card that counts is void from then on, and needs a `reason`. The same form once
    more is another opening of the same card, recorded as well. Refused: no list key (403), no place
    in the study (404), a seal number that was used before or a missing reason (`BadForm`).
    """
    act.permit(Permission.PREPARE)
    stages.admit(act, StudyAct.KEEP)
    if room.list_key is None:
        raise Refusal("You do not hold the list key.", status=403)
    participant = _with_a_place(act, participant_id)
    words = arm_words(act)
    card = _card(act, participant, wanted)
    for _, text in words:  # whatever it will say, before anything is opened
        need_room(_text(act, participant, card, text))
    reason, facts = wanted.reason or FIRST, _facts(card)
    act.record("break_card_printed", _subject(act, card), new=facts, reason=reason)
    subject, facts["participant"] = f"break_card:{card.id}", participant.code
    warrant = commit_warrant(act, room, CARD_OPENED, subject, reason, **facts)
    arm = open_envelope(act, room, warrant, participant.id)
    told = next(text for one, text in words if one == arm)
    return _text(act, participant, card, told)


def put_in_place(act: Act, card_id: str, seal_number: str) -> BreakCard:
    """Record that a printed card lies sealed in its place, by the number read from its seal."""
    act.permit(Permission.PREPARE)
    stages.admit(act, StudyAct.KEEP)
    card = break_cards.card(act.uow.session, card_id)
    if card is None or card.study_id != act.in_study.id:
        raise Refusal("There is no such card in this study.", status=404)
    if _folded(seal_number) != card.seal_number:
        raise BadForm(
            {
                "seal_number": "This is not the seal number that stands on the cover sheet. Check "
                "which envelope you have in hand."
            }
        )
    if card.state == SEALED:
        return card
    if not break_cards.move(act.uow.session, card.id, (PRINTED,), SEALED):
        raise Refusal("This card does not count any more. Open the page again.")
    act.record("break_card_sealed", _subject(act, card), new=_facts(card))
    return card


def _card(act: Act, participant: Participant, wanted: Wanted) -> BreakCard:
    """The card of this very form, or a new one in the place of what counted."""
    card_id = _id_of(act, wanted.form)
    found = break_cards.card(act.uow.session, card_id)
    if found is not None:
        same = (found.participant_id, found.card_set) == (participant.id, wanted.card_set)
        if not same or found.state != PRINTED:
            raise Refusal("This form was already sent. Open the page again.")
        return found
    typed = _checked(act, wanted)
    _void_the_old(act, participant, wanted)
    card = BreakCard(
        id=card_id,
        study_id=act.in_study.id,
        participant_id=participant.id,
        number=_new_number(act),
        card_set=wanted.card_set,
        state=PRINTED,
        recorded=False,
        made_at=act.now,
        **typed,
    )
    act.uow.session.add(card)
    act.uow.session.flush()
    return card


def _checked(act: Act, wanted: Wanted) -> dict[str, str]:
    if wanted.card_set not in SETS:
        raise Refusal("There is no such set of cards.", status=404)
    typed = {
        "seal_number": _folded(wanted.seal_number),
        "place": wanted.place.strip(),
        "custodian": wanted.custodian.strip(),
    }
    for name, most in _LONGEST.items():
        if not 0 < len(typed[name]) <= most:
            raise BadForm({name: f"Write 1 to {most} letters."})
    if any(
        card.seal_number == typed["seal_number"]
        for card in break_cards.of_study(act.uow.session, act.in_study.id)
    ):
        raise BadForm({"seal_number": "This seal number was used before. Take another envelope."})
    return typed


def _void_the_old(act: Act, participant: Participant, wanted: Wanted) -> None:
    old = _cards_of(act, participant).cards[wanted.card_set]
    if old is None:
        return
    if wanted.reason not in REPLACED_WHY:
        raise BadForm({"reason": "Choose why another card is made."})
    break_cards.move(act.uow.session, old.id, (old.state,), VOID)
    facts = {"card": old.number, "set": old.card_set, "was": old.state}
    act.record(
        "break_card_void", f"participant:{participant.code}", new=facts, reason=wanted.reason
    )


def _text(act: Act, participant: Participant, card: BreakCard, told: str) -> CardText:
    site = act.uow.session.get_one(Site, participant.site_id)
    return CardText(
        protocol_code=protocol_of(act)[1].code,
        participant=participant.code,
        receives=told,
        number=card.number,
        seal_number=card.seal_number,
        set_title=SETS[card.card_set],
        custodian=card.custodian,
        place=card.place,
        unblinding_phone=site.unblinding_phone,
        pharmacy_phone=site.pharmacy_phone,
        watermark=WATERMARK if act.in_study.practice else "",
    )


def _cards_of(act: Act, one: Participant) -> ParticipantCards:
    counting = {
        card.card_set: line_of(card, one.code)
        for card in break_cards.of_participant(act.uow.session, one.id)
        if card.state != VOID
    }
    return ParticipantCards(one.id, one.code, {key: counting.get(key) for key in SETS})


def _with_a_place(act: Act, participant_id: str) -> Participant:
    session = act.uow.session
    found = participants.participant(session, participant_id)
    if found is None or found.study_id != act.in_study.id or not had_place(session, found.id):
        raise Refusal("This participant has no place in the study: there is no card.", status=404)
    return found


def _facts(card: BreakCard) -> dict[str, object]:
    return {
        "card": card.number,
        "set": card.card_set,
        "seal": card.seal_number,
        "place": card.place,
        "custodian": card.custodian,
    }


def _subject(act: Act, card: BreakCard) -> str:
    return f"participant:{act.uow.session.get_one(Participant, card.participant_id).code}"


def _new_number(act: Act) -> str:
    """Eight random digits in two groups, so that no number tells how many cards there were."""
    drawn = int.from_bytes(act.surroundings.random_bytes("break card number", 8)) % 10**8
    return f"{drawn // 10**4:04d} {drawn % 10**4:04d}"


def _folded(seal_number: str) -> str:
    return "".join(seal_number.split()).upper()


def _id_of(act: Act, form: str) -> str:
    return hashlib.sha256(f"break card|{act.person.id}|{form}".encode()).hexdigest()[:32]
