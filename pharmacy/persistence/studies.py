"""Studies, their protocol versions and their sites."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id, one_of


class Study(Base):
    """One trial. `mode` is practice or live, for ever; each code may be had once in either."""

    __tablename__ = "study"
    id: Mapped[Id]
    code: Mapped[str] = mapped_column(sa.String(20))
    title: Mapped[str] = mapped_column(sa.String(200))
    mode: Mapped[str] = mapped_column(sa.String(10))
    made_at: Mapped[datetime]
    __table_args__ = (one_of("mode", ("practice", "live")), sa.UniqueConstraint("code", "mode"))

    @property
    def practice(self) -> bool:
        """Whether everything of this study is watermarked."""
        return self.mode == "practice"


class ProtocolVersion(Base):
    """The text of a protocol as a study uses it; a dose keeps the version it came from."""

    __tablename__ = "protocol_version"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    version: Mapped[str] = mapped_column(sa.String(40))
    toml_text: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    added_at: Mapped[datetime]
    __table_args__ = (sa.UniqueConstraint("study_id", "version"),)


class Site(Base):
    """One place of a study: its pharmacy, telephones, zone, investigator and runs."""

    __tablename__ = "site"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    code: Mapped[str] = mapped_column(sa.String(20))
    pharmacy_name: Mapped[str] = mapped_column(sa.String(80))
    pharmacy_address: Mapped[str] = mapped_column(sa.String(120))
    pharmacy_phone: Mapped[str] = mapped_column(sa.String(30))
    unblinding_phone: Mapped[str] = mapped_column(sa.String(30))
    sponsor_phone: Mapped[str] = mapped_column(sa.String(30))
    zone: Mapped[str] = mapped_column(sa.String(60))
    investigator_id: Mapped[str | None] = mapped_column(sa.ForeignKey("person.id"))
    investigator_name: Mapped[str] = mapped_column(sa.String(80))
    run_times: Mapped[str] = mapped_column(sa.String(120))
    __table_args__ = (sa.UniqueConstraint("study_id", "code"),)


def study(session: Session, study_id: str) -> Study | None:
    """The study with this id."""
    return session.get(Study, study_id)


def by_code(session: Session, code: str, mode: str) -> Study | None:
    """The practice or the live study with this code."""
    query = sa.select(Study).where(Study.code == code, Study.mode == mode)
    return session.scalars(query).one_or_none()


def all_studies(session: Session) -> Sequence[Study]:
    """Every study, by code, the live one of a code first."""
    return session.scalars(sa.select(Study).order_by(Study.code, Study.mode)).all()


def current_protocol(session: Session, study_id: str) -> ProtocolVersion:
    """The newest protocol version of a study."""
    query = sa.select(ProtocolVersion).where(ProtocolVersion.study_id == study_id)
    return session.scalars(query.order_by(ProtocolVersion.added_at.desc()).limit(1)).one()


def sites(session: Session, study_id: str) -> Sequence[Site]:
    """The sites of a study, by code."""
    return session.scalars(
        sa.select(Site).where(Site.study_id == study_id).order_by(Site.code)
    ).all()
