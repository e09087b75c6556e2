"""Notices for sponsor and pharmacy, kept with the act they tell of, and how far their mail came.

The notice itself never changes. What the mail server said to it does, and is no record of a study.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id


class Notice(Base):
    """One sentence about one act of a study; it tells no arm and no participant."""

    __tablename__ = "notice"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    sentence: Mapped[str] = mapped_column(sa.String(400))
    made_at: Mapped[datetime]


class NoticePost(Base):
    """The mail of a notice: how often it was tried, when again, when it was taken.

    `refused` counts the addresses that the server did not take it for.
    """

    __tablename__ = "notice_post"
    notice_id: Mapped[str] = mapped_column(sa.ForeignKey("notice.id"), primary_key=True)
    tries: Mapped[int]
    next_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    refused: Mapped[int]


class TestNotice(Base):
    """Marks a notice that was asked for to try the mail; it tells of no act for a participant."""

    __tablename__ = "test_notice"
    notice_id: Mapped[str] = mapped_column(sa.ForeignKey("notice.id"), primary_key=True)


def notice(session: Session, notice_id: str) -> Notice | None:
    """The notice with this id."""
    return session.get(Notice, notice_id)


def add(session: Session, made: Notice) -> None:
    """Keep a notice, its mail due at once."""
    session.add(made)
    session.flush()
    post = NoticePost(notice_id=made.id, tries=0, next_at=made.made_at, sent_at=None, refused=0)
    session.add(post)


def mark_test(session: Session, notice_id: str) -> None:
    """Say of a notice that it only tries the mail."""
    session.add(TestNotice(notice_id=notice_id))


def test_notice_taken(session: Session, study_id: str) -> datetime | None:
    """When a mail server last took a test notice of a study for every address; None before."""
    query = (
        sa.select(sa.func.max(NoticePost.sent_at))
        .join(TestNotice, TestNotice.notice_id == NoticePost.notice_id)
        .join(Notice, Notice.id == NoticePost.notice_id)
        .where(Notice.study_id == study_id, NoticePost.refused == 0)
    )
    return session.scalars(query).one()


def of_study(session: Session, study_id: str) -> Sequence[tuple[Notice, NoticePost]]:
    """The notices of a study with their mail, newest first."""
    query = (
        sa.select(Notice, NoticePost)
        .join(NoticePost, NoticePost.notice_id == Notice.id)
        .where(Notice.study_id == study_id)
        .order_by(Notice.made_at.desc(), Notice.id)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def due(session: Session, now: datetime) -> tuple[Notice, NoticePost] | None:
    """The oldest notice whose mail is due."""
    query = (
        sa.select(Notice, NoticePost)
        .join(NoticePost, NoticePost.notice_id == Notice.id)
        .where(NoticePost.sent_at.is_(None), NoticePost.next_at <= now)
        .order_by(Notice.made_at, Notice.id)
        .limit(1)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])


def waiting(session: Session) -> int:
    """How many notices no mail server has taken yet."""
    query = sa.select(sa.func.count()).select_from(NoticePost).where(NoticePost.sent_at.is_(None))
    return int(session.scalars(query).one())


def take(session: Session, post: NoticePost, next_at: datetime) -> bool:
    """Begin one try, by whoever is first; until `next_at` nobody else tries this one."""
    taken = session.execute(
        sa.update(NoticePost)
        .where(
            NoticePost.notice_id == post.notice_id,
            NoticePost.tries == post.tries,
            NoticePost.sent_at.is_(None),
        )
        .values(tries=post.tries + 1, next_at=next_at)
        .execution_options(synchronize_session=False)
    )
    return bool(taken.rowcount == 1)


def sent(session: Session, notice_id: str, at: datetime, refused: int) -> None:
    """The mail server has taken it, but for so many addresses."""
    session.execute(
        sa.update(NoticePost)
        .where(NoticePost.notice_id == notice_id, NoticePost.sent_at.is_(None))
        .values(sent_at=at, refused=refused)
        .execution_options(synchronize_session=False)
    )
