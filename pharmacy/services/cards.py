"""The participant's card: identifier 1, given at enrolment, never shipped with a bag."""

from __future__ import annotations

from labels.content import ParticipantCard
from labels.errors import LabelRefused
from pharmacy.domain.errors import Refusal
from pharmacy.domain.protocol import Protocol
from pharmacy.domain.roles import Permission
from pharmacy.persistence import participants
from pharmacy.persistence.studies import Site
from pharmacy.services import participants as participant_verbs
from pharmacy.services.act import Act
from pharmacy.services.printing import WATERMARK, to_pdf
from pharmacy.services.studies import protocol_of


def card(act: Act, participant_id: str) -> ParticipantCard:
    """The card of a participant as it counts now; refused (404) where there is none."""
    act.permit(Permission.ENROL)
    participant = participant_verbs.find(act, participant_id)
    open_card = participants.open_card(act.uow.session, participant.id)
    if open_card is None:
        raise Refusal("This participant has no card. Replace the card to make one.", status=404)
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
