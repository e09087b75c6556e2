"""Notices that an act happened which others must know of: on a page, and by mail when one is set.

A notice is written in the transaction of its act, so that no act is without one, and mailed
afterwards, so that no act waits for a mail server (J4, J6). It is kept until a server has taken it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import notices, studies
from pharmacy.persistence.notices import Notice, NoticePost
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.services.act import Act
from pharmacy.services.study_time import study_zone

_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True)
class NoticeLine:
    """One notice on its page, with how far its mail has come."""

    sentence: str
    when: str
    mail: str


@dataclass(frozen=True)
class Letter:
    """One notice as it is mailed; `number` is the same at every try."""

    number: str
    subject: str
    text: str
    at: datetime


def code_broken(act: Act, form: str, *, again: bool) -> None:
    """Tell of a broken code: who and when, neither whose code nor which arm; once for one form."""
    zone = study_zone(act)
    done = "shown again to" if again else "broken by"
    sentence = (
        f"The code of a participant was {done} {act.person.full_name} at "
        f"{format_moment(act.now, zone)}; no arm is told here."
    )
    tell(act, form, sentence)


def tell(act: Act, form: str, sentence: str) -> None:
    """Write one notice of the acting person; once for one `form`, whatever it is the number of."""
    number = hashlib.sha256(f"notice|{act.person.id}|{form}".encode()).hexdigest()[:32]
    if notices.notice(act.uow.session, number) is not None:
        return
    made = Notice(id=number, study_id=act.in_study.id, sentence=sentence, made_at=act.now)
    notices.add(act.uow.session, made)


def suspected(act: Act, report_id: str) -> None:
    """Tell that somebody may have been unblinded: who and when, and nothing of what they say."""
    zone = study_zone(act)
    sentence = (
        f"{act.person.full_name} reported at {format_moment(act.now, zone)} that they may have "
        "been unblinded; what happened is for the unblinded team alone to read."
    )
    tell(act, f"report|{report_id}", sentence)


def listed(act: Act) -> list[NoticeLine]:
    """The notices of the act's study, newest first."""
    act.permit(Permission.SEE_NOTICES)
    zone = study_zone(act)
    return [
        NoticeLine(
            one.sentence,
            format_moment(one.made_at, zone),
            _mail(post, zone),
        )
        for one, post in notices.of_study(act.uow.session, act.in_study.id)
    ]


def take_due(uow: UnitOfWork) -> Letter | None:
    """Begin one try of the oldest due notice; the caller commits before it sends.

    Each try is followed by a longer wait: a minute, two, four, up to an hour, for ever.
    """
    found = notices.due(uow.session, uow.now)
    if found is None:
        return None
    one, post = found
    wait = min(_FIRST_WAIT * 2 ** min(post.tries, 10), _LONGEST_WAIT)
    if not notices.take(uow.session, post, uow.now + wait):
        return None
    code = studies.study(uow.session, one.study_id).code
    return Letter(one.id, f"Twinbag {code}: a notice about blinding", one.sentence, one.made_at)


def sent(uow: UnitOfWork, letter: Letter, refused: int = 0) -> None:
    """The mail server has taken it, but for `refused` addresses."""
    notices.sent(uow.session, letter.number, uow.now, refused)


def waiting(uow: UnitOfWork) -> int:
    """How many notices no mail server has taken yet."""
    return notices.waiting(uow.session)


def _mail(post: NoticePost, zone: ZoneInfo) -> str:
    if post.sent_at is None:
        return f"Not mailed yet, tried {post.tries} times" if post.tries else "Not mailed yet"
    mailed = f"Mailed {format_moment(post.sent_at, zone)}"
    if not post.refused:
        return mailed
    return f"{mailed}, but the mail server refused {post.refused} of the addresses"
