"""Whether the act's study has gone live, for verbs that ask and pages that name it."""

from __future__ import annotations

from pharmacy.domain import preparing
from pharmacy.persistence import going_live
from pharmacy.persistence.studies import Study
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.services.act import Act


def mode_words(uow: UnitOfWork, study: Study) -> str:
    """What stands beside a study's code: Practice, Preparing or Live."""
    return preparing.mode_words(study.practice, _went_live(uow, study))


def named(uow: UnitOfWork, study: Study) -> str:
    """A study's code with its mode, so that the two studies of one code are told apart."""
    return f"{study.code} ({mode_words(uow, study).lower()})"


def require_live(act: Act) -> None:
    """Refuse (409) what is done for a participant before a live study has gone live."""
    preparing.refuse_before_live(act.in_study.practice, _went_live(act.uow, act.in_study))


def _went_live(uow: UnitOfWork, study: Study) -> bool:
    return going_live.went_live_at(uow.session, study.id) is not None
