"""The steps to the end of a study as the lit room takes them: in both trails, by two people.

The data lock is stated on the blinded side and confirmed here by the statistician. Unblinding and
closing are asked for by one holder and confirmed by another, with room and passphrase.
"""

from __future__ import annotations

from pharmacy.domain.errors import Refusal
from pharmacy.domain.stages import StudyStage
from pharmacy.persistence import people
from pharmacy.persistence.stages import StageStep
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.unblinded import private_record, trail
from pharmacy.unblinded.holders import keys_of, unlock_own
from pharmacy.unblinded.room import OpenRoom

ASKED_HERE = (StudyStage.UNBLINDED, StudyStage.CLOSED)
_NOT_HERE = "This step is not asked for here."


def ask(act: Act, room: OpenRoom, stage: StudyStage, password: str) -> None:
    """Ask for unblinding or closing with the first signature; sent again it is the same one."""
    if stage not in ASKED_HERE:
        raise Refusal(_NOT_HERE)
    before = stages.waiting(act, stage)
    step = stages.ask(act, stage, password)
    if before is None or before.id != step.id:
        _write_down(act, room, stages.ASKED_EVENTS[stage], step)


def confirm(
    act: Act, room: OpenRoom, stage: StudyStage, password: str, passphrase: str, pepper: bytes
) -> None:
    """Confirm a step with the second signature and the passphrase; sent again it changes nothing.

    Refused as in `stages.confirm`; the wrong passphrase is `WrongPassphrase`.
    """
    act.permit(stages.CONFIRMS[stage])
    unlock_own(act, passphrase, pepper)
    team = _team(act) if stage is StudyStage.CLOSED else None
    step = stages.confirm(act, stage, password, **({"people": team} if team else {}))
    if step is not None:
        _write_down(act, room, stages.CONFIRMED_EVENTS[stage], step)


def _write_down(act: Act, room: OpenRoom, event: str, step: StageStep) -> None:
    subject = f"study:{act.in_study.id}"
    trail.record(act, room.record_key, event, subject, step=step.id, number=step.number)


def _team(act: Act) -> list[dict[str, object]]:
    """Who has which roles and six words when the study is closed; both may change later."""
    study_id = act.in_study.id
    found = [
        (person, sorted(people.roles_of(act.uow.session, person.id, study_id)))
        for person in people.everybody(act.uow.session)
    ]
    return [
        {
            "id": person.id,
            "name": person.full_name,
            "user": person.user_name,
            "roles": roles,
            "six_words": _words_now(act, person.id),
        }
        for person, roles in found
        if roles
    ]


def _words_now(act: Act, person_id: str) -> str:
    keys = keys_of(act, person_id)
    return private_record.six_words(keys) if keys is not None and keys.confirmed else ""
