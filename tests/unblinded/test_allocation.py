"""Allocation: the next slot for the oldest request, once, in order, without opening anything."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from pharmacy.domain.errors import Refusal
from pharmacy.persistence import participants
from pharmacy.persistence.participants import AllocationRequest, Participant
from pharmacy.unblinded import allocation, envelope, trail
from pharmacy.unblinded.tables import LitAuditEntry, Slot
from tests.support.lit_builders import LitStudy, open_study
from tests.support.world import build_app

REQUESTS, SLOTS = 50, 12


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A study with its list loaded."""
    return open_study(sqlite_url)


@pytest.fixture
def app(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Flask:
    """The product on the study's database."""
    return build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)


def _taken(study: LitStudy) -> list[str]:
    """Codes of the participants in the slots, in the slots' order."""
    with study.trial.look("pharmacist") as act:
        query = (
            sa.select(Participant.code)
            .join(Slot, Slot.participant_id == Participant.id)
            .order_by(Slot.number)
        )
        return list(act.uow.session.scalars(query))


def _eligible(study: LitStudy, code: str) -> str:
    """A request that waits, signed a minute before the next one."""
    participant_id = study.eligible(code)
    study.trial.clock.move(minutes=1)
    return participant_id


def _request_of(study: LitStudy, participant_id: str) -> str:
    with study.trial.look("pharmacist") as act:
        found = participants.request_of(act.uow.session, participant_id)
        assert found is not None
        return found.id


def test_fifty_at_once_for_twelve_slots(database_url: str) -> None:
    """Exactly twelve winners, in the order of the investigator's signatures (C3)."""
    study = open_study(database_url)
    codes = [f"M-{number:03d}" for number in range(1, REQUESTS + 1)]
    # Signed in another order than that of codes, ids or registrations.
    for code in sorted(codes, key=lambda text: text[::-1]):
        study.eligible(code)
        study.trial.clock.move(seconds=7)
    with study.trial.look("pharmacist") as act:
        requests = participants.waiting_requests(act.uow.session, study.study_id)
        order = [act.uow.session.get_one(Participant, row.participant_id).code for row in requests]
    assert order == sorted(codes, key=lambda text: text[::-1])
    blind_room = replace(study.room("pharmacist"), list_key=None)
    gate = threading.Barrier(REQUESTS)

    def one(_: int) -> str:
        gate.wait()
        try:
            with study.trial.act("pharmacist") as act:
                return str(allocation.serve_oldest(act, blind_room).code)
        except Refusal as refusal:
            return refusal.sentence

    with ThreadPoolExecutor(REQUESTS) as pool:
        answers = list(pool.map(one, range(REQUESTS)))
    winners = [answer for answer in answers if answer in codes]
    assert sorted(winners) == sorted(order[:SLOTS])
    assert _taken(study) == order[:SLOTS]
    assert set(answers) - set(codes) == {"No slot is left in the list. Call the statistician."}
    _check_trails(study, order[:SLOTS])
    study.trial.engine.dispose()


def _check_trails(study: LitStudy, codes: list[str]) -> None:
    """One blinded and one sealed entry for each, in the same order, and no envelope opened."""
    blinded = [row for row in study.trial.events() if row.event == "participant_allocated"]
    assert [row.subject for row in reversed(blinded)] == [f"participant:{code}" for code in codes]
    with study.trial.look("pharmacist") as act:
        entries = trail.entries(act, study.room("pharmacist").record_key)
        numbers = list(act.uow.session.scalars(sa.select(LitAuditEntry.seq)))
    taken = [entry for entry in entries if entry["event"] == "slot_taken"]
    assert [entry["subject"] for entry in taken] == [f"slot:/{n}" for n in range(1, SLOTS + 1)]
    assert [entry["blinded_seq"] for entry in taken] == [row.seq for row in reversed(blinded)]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert not any(entry["event"] == "opened" for entry in entries)
    said = [str(entry) for entry in entries]
    assert not any(code in text for text in said for code in codes), "slots there, people here"


def test_it_opens_nothing(study: LitStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the list key nor the one function that opens an envelope is needed (C2)."""

    def never(*_: object) -> None:
        raise AssertionError("an allocation opened an envelope")

    monkeypatch.setattr(envelope, "open_sealed", never)
    participant_id = _eligible(study, "M-001")
    room = replace(study.room("pharmacist"), list_key=None)
    with study.trial.act("pharmacist") as act:
        assert allocation.serve_oldest(act, room).id == participant_id


def test_the_oldest_signature_first(study: LitStudy) -> None:
    """Whoever was registered or asked about first."""
    second = study.trial.register("M-001")
    first = study.trial.register("M-002")
    for participant_id in (first, second):
        study.trial.weigh(participant_id)
        study.trial.eligible(participant_id)
        study.trial.clock.move(minutes=1)
    for expected in (first, second):
        served = study.do("pharmacist", allocation.serve_oldest)
        assert served.id == expected
        assert served.state == "allocated"
    assert _taken(study) == ["M-002", "M-001"]
    with pytest.raises(Refusal, match="No request waits"):
        study.do("pharmacist", allocation.serve_oldest)


def test_one_form_serves_one_request(study: LitStudy, app: Flask) -> None:
    """Sent twice, with two waiting: the second time finds it served (C3)."""
    one, other = _eligible(study, "M-001"), _eligible(study, "M-002")
    browser = study.lit_browser(app, "pharmacist")
    page = browser.get(browser.lit("board")).text
    request_id = _request_of(study, one)
    assert request_id in page
    assert _request_of(study, other) not in page, "only the oldest can be chosen"
    for _ in range(2):
        answer = browser.post(browser.lit("board/serve"), request_id=request_id)
        assert answer.status_code == 303
    assert _taken(study) == ["M-001"]


def test_the_same_form_from_two_people_serves_one(study: LitStudy, app: Flask) -> None:
    """Two pharmacists looked at the same board."""
    request_id = _request_of(study, _eligible(study, "M-001"))
    _eligible(study, "M-002")
    for who in ("pharmacist", "pharmacist2"):
        browser = study.lit_browser(app, who)
        answer = browser.post(browser.lit("board/serve"), request_id=request_id)
        assert answer.status_code == 303
    assert _taken(study) == ["M-001"]


def test_a_younger_request_is_not_served_first(study: LitStudy, app: Flask) -> None:
    """However its id was found; the answer says where it stands."""
    _eligible(study, "M-001")
    younger = _request_of(study, _eligible(study, "M-002"))
    browser = study.lit_browser(app, "pharmacist")
    answer = browser.post(browser.lit("board/serve"), request_id=younger)
    assert answer.status_code == 409
    assert "Another request is the oldest" in answer.text
    assert _taken(study) == []
    assert browser.post(browser.lit("board/serve"), request_id="nothing").status_code == 404
    assert browser.post(browser.lit("board/serve")).status_code == 400


@pytest.mark.parametrize("who", ["checker", "statistician"])
def test_only_the_pharmacist_serves(study: LitStudy, app: Flask, who: str) -> None:
    """The checker looks on; the statistician never meets a participant (E16)."""
    request_id = _request_of(study, _eligible(study, "M-001"))
    browser = study.lit_browser(app, who)
    assert browser.post(browser.lit("board/serve"), request_id=request_id).status_code == 403
    assert _taken(study) == []


def test_a_locked_room_serves_nobody(study: LitStudy, app: Flask) -> None:
    """The press leads to the door; nothing happened."""
    request_id = _request_of(study, _eligible(study, "M-001"))
    browser = study.browser(app, "pharmacist")
    answer = browser.post(browser.lit("board/serve"), request_id=request_id)
    assert answer.status_code == 303
    assert "/open" in answer.location
    assert _taken(study) == []


def test_without_a_list_there_is_nothing_to_give(sqlite_url: str) -> None:
    """The request keeps waiting."""
    study = open_study(sqlite_url, loaded=False)
    _eligible(study, "M-001")
    with pytest.raises(Refusal, match="No list is loaded"):
        study.do("pharmacist", allocation.serve_oldest)


def test_a_rolled_back_act_leaves_no_hole(study: LitStudy) -> None:
    """The slot it would have taken goes to the same request, not to a later one."""
    _eligible(study, "M-001")
    _eligible(study, "M-002")
    room = study.room("pharmacist")
    with study.trial.units.acting() as uow:
        allocation.serve_oldest(study.trial.bare_act(uow, "pharmacist"), room)
        uow.rollback()
    assert _taken(study) == []
    study.do("pharmacist", allocation.serve_oldest)
    study.do("pharmacist", allocation.serve_oldest)
    assert _taken(study) == ["M-001", "M-002"]
    with study.trial.look("pharmacist") as act:
        served = act.uow.session.scalars(sa.select(AllocationRequest.served_at)).all()
        numbers = act.uow.session.scalars(
            sa.select(Slot.number).where(Slot.participant_id.is_not(None))
        ).all()
    assert all(served)
    assert sorted(numbers) == [1, 2]
