"""The participant's card: identifier 1, given at enrolment, never shipped with a bag.

One card of a participant counts at most. A coordinator prints it, replaces it or revokes it; what
no longer counts stays on record with its reason. Codes stand on the card alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from labels.content import ParticipantCard
from labels.errors import LabelRefused
from pharmacy.domain.errors import BadForm, Conflict, Refusal
from pharmacy.domain.protocol import Protocol
from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_moment
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import participants
from pharmacy.persistence.participants import Card, Participant
from pharmacy.persistence.studies import Site
from pharmacy.services import participants as participant_verbs
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.services.printing import WATERMARK, to_pdf
from pharmacy.services.studies import protocol_of

# Closed lists: free words could tell more of a person than anybody may keep.
REPLACE_REASONS = {
    "lost": "Lost",
    "damaged": "Damaged or hard to scan",
    "wrong_hands": "Given to or seen by the wrong person",
}
REVOKE_REASONS = {**REPLACE_REASONS, "left_study": "The participant left the study"}
_ENDS = {"replaced": "Replaced", **REVOKE_REASONS}
_NO_CARD = "This participant has no card. Make a new card first."


@dataclass(frozen=True)
class CardLine:
    """One card in words, without its code: when it was made and ended, and why."""

    made: str
    ended: str
    why: str


@dataclass(frozen=True)
class CardStanding:
    """Whether a participant has a card that counts, and a mark that another card would change."""

    counts: bool
    made: str
    mark: str


def standing(act: Act, participant_id: str) -> CardStanding:
    """How it stands with the participant's card, for a page that ends or makes one."""
    act.permit(Permission.ENROL)
    participant = participant_verbs.find(act, participant_id)
    row = participants.open_card(act.uow.session, participant.id)
    zone = ZoneInfo(participant_verbs.site_of(act, participant).zone)
    made = format_moment(row.made_at, zone) if row else ""
    return CardStanding(counts=row is not None, made=made, mark=_mark(row))


def history(act: Act, participant: Participant, zone: ZoneInfo) -> tuple[CardLine, ...]:
    """All cards of a participant, the newest first."""
    rows = participants.cards(act.uow.session, participant.id)
    return tuple(
        CardLine(
            made=format_moment(row.made_at, zone),
            ended=format_moment(row.ended_at, zone) if row.ended_at else "Counts now",
            why=_ENDS.get(row.ended_why, ""),
        )
        for row in rows
    )


def replace(act: Act, participant_id: str, reason: str, mark: str) -> Card:
    """End the participant's card, if there is one, and give another; the old one stops the nurse.

    `reason` is a key of `REPLACE_REASONS`; without a card to end it is empty. `mark` is that of
    the `standing` which was seen: another card since is a `Conflict` (409).
    """
    participant, old = _hold(act, participant_id, mark)
    if old is not None:
        _check_reason(reason, REPLACE_REASONS, "Choose why the card is replaced.")
        _end(act, old, "replaced")
    card = participant_verbs.new_card(act, participant)
    act.record(
        "card_made" if old is None else "card_replaced",
        f"participant:{participant.code}",
        old=None if old is None else _facts(old),
        new=_facts(card),
        reason="" if old is None else reason,
    )
    return card


def revoke(act: Act, participant_id: str, reason: str, mark: str) -> None:
    """End the participant's card without giving another: no bag can be started until there is one.

    `reason` is a key of `REVOKE_REASONS`; `mark` as in `replace`. Refused (409): no card.
    """
    participant, card = _hold(act, participant_id, mark)
    if card is None:
        raise Refusal("This participant has no card that could be revoked.")
    _check_reason(reason, REVOKE_REASONS, "Choose why the card is revoked.")
    before = _facts(card)
    _end(act, card, reason)
    act.record(
        "card_revoked",
        f"participant:{participant.code}",
        old=before,
        new={**before, "state": "revoked"},
        reason=reason,
    )


def card(act: Act, participant_id: str) -> ParticipantCard:
    """The card of a participant as it counts now; refused (404) where there is none."""
    act.permit(Permission.ENROL)
    participant = participant_verbs.find(act, participant_id)
    open_card = participants.open_card(act.uow.session, participant.id)
    if open_card is None:
        raise Refusal(_NO_CARD, status=404)
    site = participant_verbs.site_of(act, participant)
    code = participant_verbs.card_code(act, open_card)
    _, protocol = protocol_of(act)
    return compose_card(protocol, site, participant.code, code, practice=act.in_study.practice)


def compose_card(
    protocol: Protocol, site: Site, participant: str, code: str, *, practice: bool
) -> ParticipantCard:
    """The card from facts alone; `code` is the whole 20-character one. Refused (409): a gap."""
    try:
        return ParticipantCard(
            protocol_code=protocol.code,
            participant=participant,
            pharmacy_name=site.pharmacy_name,
            pharmacy_phone=site.pharmacy_phone,
            unblinding_phone=site.unblinding_phone,
            warnings=tuple(f"{text.rstrip('.')}." for text in protocol.label.warnings),
            code=code,
            watermark=WATERMARK if practice else "",
        )
    except LabelRefused as refused:
        raise Refusal(refused.sentence) from None


def card_pdf(act: Act, participant_id: str) -> bytes:
    """The card ready to print."""
    return to_pdf(card(act, participant_id))


def _hold(act: Act, participant_id: str, mark: str) -> tuple[Participant, Card | None]:
    """The participant with the card that counts, held until the act ends."""
    act.permit(Permission.ENROL)
    stages.admit(act, StudyAct.KEEP)
    participant = participant_verbs.find(act, participant_id)
    participants.hold(act.uow.session, participant.id)
    row = participants.open_card(act.uow.session, participant.id)
    if _mark(row) != mark:
        raise Conflict
    return participant, row


def _end(act: Act, row: Card, why: str) -> None:
    if not participants.end_card(act.uow.session, row.body, act.now, why):
        raise Conflict


def _check_reason(reason: str, reasons: dict[str, str], sentence: str) -> None:
    if reason not in reasons:
        raise BadForm({"reason": sentence})


def _mark(row: Card | None) -> str:
    return "" if row is None else row.made_at.isoformat()


def _facts(row: Card) -> dict[str, object]:
    """A card in the trail: never its code, which is half of what starts a bag."""
    return {"card_made": row.made_at, "state": "counts"}
