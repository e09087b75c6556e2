"""Participants by code alone: consent, cards, weights, eligibility and the request for a slot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id, one_of

CARD_ENDS = ("replaced", "lost", "damaged", "wrong_hands", "left_study")


class Participant(Base):
    """One participant, known by the code the site gave; no name, no birth date."""

    __tablename__ = "participant"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    site_id: Mapped[str] = mapped_column(sa.ForeignKey("site.id"))
    code: Mapped[str] = mapped_column(sa.String(12))
    consented_on: Mapped[date]
    registered_at: Mapped[datetime]
    registered_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(sa.String(20))
    __table_args__ = (
        sa.UniqueConstraint("study_id", "code"),
        one_of("state", ("registered", "eligible", "allocated", "withdrawn")),
    )


class Card(Base):
    """The participant's own card, identifier 1: its random code, and whether it still counts."""

    __tablename__ = "card"
    body: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    participant_id: Mapped[str] = mapped_column(sa.ForeignKey("participant.id"))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str] = mapped_column(sa.String(12))
    __table_args__ = (one_of("ended_why", ("", *CARD_ENDS)),)


class Weight(Base):
    """One weighing. A correction is another row; nothing is overwritten."""

    __tablename__ = "weight"
    id: Mapped[Id]
    participant_id: Mapped[str] = mapped_column(sa.ForeignKey("participant.id"))
    weight_kg: Mapped[Decimal]
    measured_on: Mapped[date]
    measured_by: Mapped[str] = mapped_column(sa.String(80))
    entered_at: Mapped[datetime]
    entered_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))


class AllocationRequest(Base):
    """A signed request for the next slot, served in the order of the signature."""

    __tablename__ = "allocation_request"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    participant_id: Mapped[str] = mapped_column(sa.ForeignKey("participant.id"), unique=True)
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))
    signed_at: Mapped[datetime]
    served_at: Mapped[datetime | None]


def participant(session: Session, participant_id: str) -> Participant | None:
    """The participant with this id."""
    return session.get(Participant, participant_id)


def of_study(session: Session, study_id: str) -> Sequence[Participant]:
    """The participants of a study, by code."""
    query = sa.select(Participant).where(Participant.study_id == study_id)
    return session.scalars(query.order_by(Participant.code)).all()


def by_code(session: Session, study_id: str, code: str) -> Participant | None:
    """The participant of a study with this code."""
    query = sa.select(Participant).where(
        Participant.study_id == study_id, Participant.code == code
    )
    return session.scalars(query).one_or_none()


def weights(session: Session, participant_id: str) -> Sequence[Weight]:
    """A participant's weighings, newest first."""
    query = sa.select(Weight).where(Weight.participant_id == participant_id)
    return session.scalars(
        query.order_by(Weight.measured_on.desc(), Weight.entered_at.desc())
    ).all()


def hold(session: Session, participant_id: str) -> None:
    """Let acts on one participant take turns: whoever comes second waits for the first."""
    query = sa.select(Participant.id).where(Participant.id == participant_id)
    session.execute(query.with_for_update())


def cards(session: Session, participant_id: str) -> Sequence[Card]:
    """A participant's cards, the newest first."""
    query = sa.select(Card).where(Card.participant_id == participant_id)
    return session.scalars(
        query.order_by(Card.made_at.desc(), Card.ended_at.is_(None).desc(), Card.body)
    ).all()


def open_card(session: Session, participant_id: str) -> Card | None:
    """The card that counts now."""
    query = sa.select(Card).where(
        Card.participant_id == participant_id, Card.ended_at.is_(None)
    )
    return session.scalars(query).one_or_none()


def end_card(session: Session, body: str, at: datetime, why: str) -> bool:
    """End a card that still counts, for one of `CARD_ENDS`; False when somebody was faster."""
    changed = session.execute(
        sa.update(Card)
        .where(Card.body == body, Card.ended_at.is_(None))
        .values(ended_at=at, ended_why=why)
        .execution_options(synchronize_session="fetch")
    )
    return bool(changed.rowcount == 1)


def card(session: Session, body: str) -> Card | None:
    """The card with these sixteen characters, whether it still counts or not."""
    return session.get(Card, body)


def request_of(session: Session, participant_id: str) -> AllocationRequest | None:
    """The participant's request for a slot."""
    query = sa.select(AllocationRequest).where(
        AllocationRequest.participant_id == participant_id
    )
    return session.scalars(query).one_or_none()


def waiting_requests(session: Session, study_id: str) -> Sequence[AllocationRequest]:
    """The requests that wait, the oldest signature first; not of somebody who has left."""
    query = (
        sa.select(AllocationRequest)
        .join(Participant, Participant.id == AllocationRequest.participant_id)
        .where(
            AllocationRequest.study_id == study_id,
            AllocationRequest.served_at.is_(None),
            Participant.state != "withdrawn",
        )
    )
    return session.scalars(
        query.order_by(AllocationRequest.signed_at, AllocationRequest.id)
    ).all()
