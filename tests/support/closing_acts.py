"""What people do at the end of a study, through the services: lock, unblind, close, sign."""

from __future__ import annotations

from pharmacy.domain.stages import StudyStage
from pharmacy.services import stages
from pharmacy.unblinded import archive, list_export, study_end
from tests.support.builders import PASSWORD
from tests.support.lit_builders import PEPPER, LitStudy

REFERENCE = "DL-2026-014"


def state_lock(study: LitStudy, who: str = "coordinator") -> None:
    """Somebody blinded states the data lock of today."""
    trial = study.trial
    trial.do(who, stages.state_lock, trial.today(), REFERENCE, True, PASSWORD)


def confirm(study: LitStudy, stage: StudyStage, who: str = "statistician") -> None:
    """The second signature of a step."""
    words = study.passphrases[who]
    study.do(who, study_end.confirm, stage, PASSWORD, words, PEPPER)


def lock(study: LitStudy) -> None:
    """The data are locked."""
    state_lock(study)
    confirm(study, StudyStage.LOCKED)


def unblind(study: LitStudy, first: str = "pharmacist", second: str = "statistician") -> None:
    """The data are locked and the study is unblinded."""
    lock(study)
    study.do(first, study_end.ask, StudyStage.UNBLINDED, PASSWORD)
    confirm(study, StudyStage.UNBLINDED, second)


def close(study: LitStudy) -> None:
    """Everything up to the closed study."""
    unblind(study)
    study.do("statistician", study_end.ask, StudyStage.CLOSED, PASSWORD)
    confirm(study, StudyStage.CLOSED, "pharmacist")


def exported(study: LitStudy, form: str = "export-form-000001") -> bytes:
    """The list as the statistician downloads it."""
    found: bytes = study.do("statistician", list_export.export, form)
    return found


def sign_archive(study: LitStudy, who: str) -> None:
    """One signature over the archive, by a form of its own."""
    form, words = f"sign-form-{len(study.trial.events()):06d}", study.passphrases[who]
    study.do(who, archive.sign_archive, words, form, PEPPER)


def archived(study: LitStudy, who: str = "statistician") -> bytes:
    """The archive as it is downloaded."""
    found: bytes = study.do(who, archive.archive, "archive-form-00001")
    return found
