"""Leaving, being replaced, and a place given in error, as forms ready to be sent."""

from __future__ import annotations

from pharmacy.persistence import participants
from pharmacy.services import departures, deviations
from pharmacy.services.deviations import Report
from tests.support.builders import PASSWORD, Trial
from tests.support.nurse_acts import ReadyAct, Sending

_ACCOUNT = "The age was taken from another chart."
_CORRECTIVE = "Both charts were read again by two people."


def _page(trial: Trial, participant_id: str, verb: str) -> str:
    return f"/study/{trial.study_id}/participants/{participant_id}/{verb}"


def _leave(trial: Trial) -> Sending:
    page = _page(trial, trial.enrolled(), "leave")
    left_on = trial.today().isoformat()
    return Sending(page, page, {"left_on": left_on, "reason": "consent", "password": PASSWORD})


def _replace(trial: Trial) -> Sending:
    left = trial.enrolled("M-001")
    day = trial.today()
    trial.do("investigator", departures.withdraw, left, day, "consent", PASSWORD)
    page = _page(trial, trial.register("M-002"), "replaces")
    return Sending(page, page, {"replaces": left, "password": PASSWORD})


def _report(kind: str, outcome: str) -> dict[str, str]:
    return {"kind": kind, "outcome": outcome, "account": _ACCOUNT, "corrective": _CORRECTIVE}


def _deviates(trial: Trial) -> Sending:
    page = _page(trial, trial.enrolled(), "deviation")
    happened = {"happened_on": trial.today().isoformat(), "password": PASSWORD}
    return Sending(page, page, {**_report("wrong_stratum", "keeps"), **happened})


def _given_in_error(trial: Trial) -> Sending:
    page = _page(trial, trial.enrolled(), "deviation")
    happened = {"happened_on": trial.today().isoformat(), "password": PASSWORD}
    return Sending(page, page, {**_report("wrong_person", "not_treated"), **happened})


def _confirms(trial: Trial) -> Sending:
    said = Report(**_report("not_eligible", "not_treated"), happened_on=trial.today())
    participant_id = trial.enrolled()
    row = trial.do("coordinator", deviations.report, participant_id, said, PASSWORD)
    with trial.look("investigator") as act:
        assert participants.of_study(act.uow.session, trial.study_id)[0].state == "allocated"
    page = f"/study/{trial.study_id}/deviations/{row.id}"
    return Sending(page, page, {"password": PASSWORD})


LEFT = "participant_left_treatment"
ACTS: tuple[ReadyAct, ...] = (
    ReadyAct("leave", (LEFT,), _leave, "investigator"),
    ReadyAct("replace", ("replacement_stated",), _replace, "investigator"),
    ReadyAct("report a deviation", ("deviation_reported",), _deviates, "coordinator"),
    ReadyAct("given in error", ("deviation_reported", LEFT), _given_in_error, "investigator"),
    ReadyAct("confirm a deviation", ("deviation_confirmed", LEFT), _confirms, "investigator"),
)
