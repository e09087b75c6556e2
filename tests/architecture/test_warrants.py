"""Wall 4 at work: a warrant is a committed entry of this very act, or nothing opens (C2, K8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pharmacy.domain.errors import Refusal
from pharmacy.persistence import participants
from pharmacy.services.act import Act
from pharmacy.unblinded import trail
from pharmacy.unblinded.arm import reveal
from pharmacy.unblinded.envelope import open_envelope
from pharmacy.unblinded.warrants import Warrant, commit_warrant
from tests.support.lit_builders import LitStudy, open_study


@pytest.fixture(scope="module")
def study(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LitStudy:
    """A loaded list, and two participants with a planned course each; only read and opened."""
    path = tmp_path_factory.mktemp("act") / "twinbag.db"
    path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
    return open_study(f"sqlite:///{path}")


@pytest.fixture(scope="module")
def bags(study: LitStudy) -> dict[str, tuple[str, str]]:
    """The participant's id and the first bag's id of two participants, by code."""
    found = {}
    for code in ("M-002", "M-003"):
        course_id = study.planned(code)
        bag = study.bags(course_id)[0]
        with study.trial.look("pharmacist") as act:
            found[code] = (_participant(act, code), str(bag.id))
    return found


def _participant(act: Act, code: str) -> str:
    row = participants.by_code(act.uow.session, act.in_study.id, code)
    assert row is not None
    return str(row.id)


def _subject(bag_id: str) -> str:
    return f"bag:{bag_id}"


def _warrant(study: LitStudy, who: str, bag_id: str) -> Warrant:
    room = study.room(who)
    with study.trial.act(who) as act:
        return commit_warrant(act, room, "opened", _subject(bag_id), "preparation")


def _open(study: LitStudy, who: str, warrant: Warrant, participant_id: str) -> str:
    room = study.room(who)
    with study.trial.look(who) as act:
        return reveal(open_envelope(act, room, warrant, participant_id))


def test_what_is_written_down_is_opened(study: LitStudy, bags: dict[str, tuple[str, str]]) -> None:
    participant_id, bag_id = bags["M-002"]
    warrant = _warrant(study, "pharmacist", bag_id)

    assert _open(study, "pharmacist", warrant, participant_id) in ("ivig", "saline")
    assert _newest_event(study) == "opened"


def _newest_event(study: LitStudy) -> str:
    room = study.room("pharmacist")
    with study.trial.look("pharmacist") as act:
        return str(trail.entries(act, room.record_key)[-1]["event"])


FORGED: dict[str, Callable[[Warrant], Warrant]] = {
    "an entry that is not there": lambda w: replace(w, seq=w.seq + 1000),
    "another entry": lambda w: replace(w, seq=w.seq - 1),
    "another subject": lambda w: replace(w, subject="bag:somebody"),
    "another reason": lambda w: replace(w, reason="curiosity"),
    "another person": lambda w: replace(w, person_id="somebody"),
    "another study": lambda w: replace(w, study_id="elsewhere"),
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_warrant_opens_nothing(
    study: LitStudy, bags: dict[str, tuple[str, str]], forged: str
) -> None:
    participant_id, bag_id = bags["M-002"]
    _warrant(study, "pharmacist", bags["M-003"][1])
    warrant = FORGED[forged](_warrant(study, "pharmacist", bag_id))

    with pytest.raises(Refusal):
        _open(study, "pharmacist", warrant, participant_id)


def test_an_entry_that_is_not_committed_opens_nothing(
    study: LitStudy, bags: dict[str, tuple[str, str]]
) -> None:
    participant_id, bag_id = bags["M-002"]
    room = study.room("pharmacist")
    genuine = _warrant(study, "pharmacist", bag_id)
    with study.trial.units.acting() as uow:
        act = study.trial.bare_act(uow, "pharmacist")
        trail.record(act, room.record_key, "opened", genuine.subject, reason=genuine.reason)
        uncommitted = replace(genuine, seq=genuine.seq + 1)
        with pytest.raises(Refusal):
            open_envelope(act, room, uncommitted, participant_id)
        for write in uow._last:
            write()
        uow.session.flush()
        assert trail.newest(act) == uncommitted.seq
        with pytest.raises(Refusal):
            open_envelope(act, room, uncommitted, participant_id)


def test_a_warrant_is_for_whoever_wrote_it_down(
    study: LitStudy, bags: dict[str, tuple[str, str]]
) -> None:
    participant_id, bag_id = bags["M-002"]
    warrant = _warrant(study, "pharmacist", bag_id)

    with pytest.raises(Refusal):
        _open(study, "pharmacist2", warrant, participant_id)


def test_a_warrant_for_one_participant_opens_no_other_envelope(
    study: LitStudy, bags: dict[str, tuple[str, str]]
) -> None:
    warrant = _warrant(study, "pharmacist", bags["M-002"][1])

    with pytest.raises(Refusal):
        _open(study, "pharmacist", warrant, bags["M-003"][0])


def test_an_entry_of_another_act_is_no_warrant(
    study: LitStudy, bags: dict[str, tuple[str, str]]
) -> None:
    participant_id, bag_id = bags["M-002"]
    room = study.room("pharmacist")
    with study.trial.act("pharmacist") as act:
        trail.record(act, room.record_key, "printed", _subject(bag_id), reason="preparation")
    with study.trial.look("pharmacist") as act:
        seq = trail.newest(act)
        warrant = Warrant(study.study_id, seq, act.person.id, _subject(bag_id), "preparation")

    with pytest.raises(Refusal):
        _open(study, "pharmacist", warrant, participant_id)


def test_whoever_holds_no_list_key_opens_nothing(
    study: LitStudy, bags: dict[str, tuple[str, str]]
) -> None:
    participant_id, bag_id = bags["M-002"]
    warrant = _warrant(study, "checker", bag_id)

    with pytest.raises(Refusal, match="list key"):
        _open(study, "checker", warrant, participant_id)
