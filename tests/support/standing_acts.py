"""Acts that move a whole study on, as forms ready to be sent: before it goes live, and its lock."""

from __future__ import annotations

from pharmacy.services import protocol_approvals
from tests.support.builders import PASSWORD, Trial
from tests.support.live_study import BACKUP
from tests.support.nurse_acts import ReadyAct, Sending


def _at(trial: Trial, rest: str, **fields: str) -> Sending:
    page = f"/study/{trial.study_id}/{rest}"
    return Sending(page, page, {**fields, "password": PASSWORD})


def _read(trial: Trial) -> str:
    """The fingerprint of the protocol that the page shows."""
    with trial.look("investigator") as act:
        return protocol_approvals.sheet(act).fingerprint


def _approve(trial: Trial) -> Sending:
    return _at(trial, "protocol/approve", fingerprint=_read(trial))


def _defaults(trial: Trial) -> Sending:
    return _at(trial, "protocol/defaults", fingerprint=_read(trial), defaults="2")


def _restore(trial: Trial) -> Sending:
    on = trial.today().isoformat()
    return _at(trial, "going-live/restore-drill", drilled_on=on, sha256=BACKUP)


def _cards(trial: Trial) -> Sending:
    said = {"physician_name": "Dr. Ames", "physician_phone": "205-555-0177"}
    return _at(trial, "going-live/cards", pharmacy_place="Safe", **said)


def _lock(trial: Trial) -> Sending:
    return _at(trial, "stage", locked_on=trial.today().isoformat(), reference="DL-2026-014")


ACTS: tuple[ReadyAct, ...] = (
    ReadyAct("approve the protocol", ("protocol_approved",), _approve, "investigator"),
    ReadyAct("confirm a default", ("defaults_confirmed",), _defaults, "pharmacist"),
    ReadyAct("drill of a restore", ("restore_drilled",), _restore, "administrator"),
    ReadyAct("keeping of the cards", ("card_keeping_stated",), _cards, "pharmacist"),
    ReadyAct("state the data lock", ("data_lock_stated",), _lock, "coordinator"),
)
