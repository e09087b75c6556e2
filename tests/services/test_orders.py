"""The investigator's two signatures, and what refuses them. F1, F2, F5, K4."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pharmacy.domain.audit import canonical_bytes, leaf_hash
from pharmacy.domain.errors import BadForm, Conflict, Refusal, WrongPassword
from pharmacy.persistence import courses, participants, signatures
from pharmacy.services import orders
from tests.support.builders import PASSWORD, Trial, make_trial


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


@pytest.fixture
def weighed(trial: Trial) -> str:
    participant_id = trial.register()
    trial.weigh(participant_id)
    return participant_id


def refused(
    trial: Trial, verb: Callable[..., Any], *args: Any, who: str = "investigator"
) -> Refusal:
    with pytest.raises(Refusal) as found:
        trial.do(who, verb, *args)
    return found.value


def test_eligibility_is_a_signature_and_a_request_for_a_place(trial: Trial, weighed: str) -> None:
    """F1: printed name, moment, meaning; F2: bound to what was signed."""
    trial.eligible(weighed)
    with trial.look("investigator") as act:
        request = participants.request_of(act.uow.session, weighed)
        assert request is not None
        assert request.served_at is None
        signature = signatures.signature(act.uow.session, request.signature_id)
    assert signature is not None
    assert signature.printed_name == "Ana Rivera"
    assert signature.meaning == orders.ELIGIBLE_MEANING
    assert signature.at == request.signed_at == trial.clock()
    facts = {"kind": "eligibility", "id": weighed, "participant": "M-002", "weight_kg": "59.6"}
    assert signature.record_sha256 == leaf_hash(canonical_bytes(facts))
    assert trial.events()[0].event == "eligibility_signed"


def test_requests_wait_in_the_order_of_the_signatures(trial: Trial) -> None:
    """C: not in the order of registration or code."""
    ids = [trial.register(code) for code in ("M-001", "M-002", "M-003")]
    for participant_id in ids:
        trial.weigh(participant_id)
    for participant_id in (ids[2], ids[0], ids[1]):
        trial.clock.move(minutes=1)
        trial.eligible(participant_id)
    with trial.look("investigator") as act:
        waiting = participants.waiting_requests(act.uow.session, trial.study_id)
    assert [row.participant_id for row in waiting] == [ids[2], ids[0], ids[1]]


def test_eligibility_is_signed_once(trial: Trial, weighed: str) -> None:
    trial.eligible(weighed)
    assert "already signed" in refused(trial, orders.sign_eligibility, weighed, PASSWORD).sentence


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        (None, "Enter a weight before eligibility is signed."),
        ("120.1", "over 120 kg, which excludes at screening"),
        ("29.9", "under 30 kg"),
    ],
)
def test_a_weight_that_excludes_refuses_eligibility(
    trial: Trial, weight: str | None, sentence: str
) -> None:
    """D2."""
    participant_id = trial.register()
    if weight:
        trial.weigh(participant_id, weight)
    assert sentence in refused(trial, orders.sign_eligibility, participant_id, PASSWORD).sentence


def test_a_wrong_password_signs_nothing(trial: Trial, weighed: str) -> None:
    """F5, F6."""
    found = refused(trial, orders.sign_eligibility, weighed, "not the password at all")
    assert isinstance(found, WrongPassword)
    with trial.look("investigator") as act:
        assert participants.request_of(act.uow.session, weighed) is None


def test_an_order_keeps_what_was_signed(trial: Trial, weighed: str) -> None:
    """K4, F2."""
    trial.eligible(weighed)
    order_id = trial.order(weighed, "W4", at_risk=True, premedication=" Paracetamol 1 g ")
    with trial.look("investigator") as act:
        order = courses.order(act.uow.session, order_id)
        assert order is not None
        signature = signatures.of_record(act.uow.session, "order", order_id)
    assert (order.visit, order.at_risk, order.premedication) == ("W4", True, "Paracetamol 1 g")
    assert signature is not None
    assert signature.id == order.signature_id
    facts = {
        "kind": "order",
        "id": order_id,
        "participant": "M-002",
        "visit": "W4",
        "first_day": trial.today().isoformat(),
        "at_risk": True,
        "premedication": "Paracetamol 1 g",
    }
    assert signature.record_sha256 == leaf_hash(canonical_bytes(facts))


def test_no_order_before_eligibility_and_one_a_visit(trial: Trial, weighed: str) -> None:
    args = (weighed, "W0", trial.today(), False, "", PASSWORD)
    assert "Sign eligibility before" in refused(trial, orders.sign_order, *args).sentence
    trial.eligible(weighed)
    trial.order(weighed)
    assert "already a signed order" in refused(trial, orders.sign_order, *args).sentence


@pytest.mark.parametrize(
    ("field", "visit", "days", "premedication"),
    [
        ("visit", "W24", 0, ""),
        ("visit", "W99", 0, ""),
        ("first_day", "W0", -1, ""),
        ("first_day", "W0", 61, ""),
        ("premedication", "W0", 0, "x" * 201),
    ],
)
def test_an_order_that_cannot_be_is_refused(
    trial: Trial, weighed: str, field: str, visit: str, days: int, premedication: str
) -> None:
    trial.eligible(weighed)
    day = trial.today() + timedelta(days=days)
    with pytest.raises(BadForm) as found:
        trial.do(
            "investigator", orders.sign_order, weighed, visit, day, False, premedication, PASSWORD
        )
    assert set(found.value.errors) == {field}


def test_prescription_numbers_count_nothing(trial: Trial, weighed: str) -> None:
    """B7, B8: six digits each, different, in no order."""
    trial.eligible(weighed)
    visits = ("W0", "W4", "W8", "W12", "W16", "W20")
    ids = [trial.order(weighed, visit) for visit in visits]
    with trial.look("investigator") as act:
        found = [courses.order(act.uow.session, order_id) for order_id in ids]
    numbers = [order.number for order in found if order]
    assert len(set(numbers)) == 6
    assert all(len(n) == 6 and n.isdigit() for n in numbers)
    assert numbers != sorted(numbers)


def test_a_number_in_use_is_drawn_again(
    trial: Trial, weighed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial.eligible(weighed)
    first = trial.order(weighed, "W0")
    with trial.look("investigator") as act:
        order = courses.order(act.uow.session, first)
    assert order is not None
    drawn = iter([int(order.number), 123456])
    real = trial.chance.__call__

    def chance(purpose: str, count: int) -> bytes:
        if purpose == "prescription number":
            return next(drawn).to_bytes(count, "big")
        return real(purpose, count)

    monkeypatch.setattr(trial, "chance", chance)
    second = trial.order(weighed, "W4")
    with trial.look("investigator") as act:
        again = courses.order(act.uow.session, second)
    assert again is not None
    assert again.number == "123456"


def test_only_the_investigator_signs(trial: Trial, weighed: str) -> None:
    for who in ("coordinator", "nurse", "pharmacist", "monitor"):
        assert refused(trial, orders.sign_eligibility, weighed, PASSWORD, who=who).status == 403


def test_two_orders_for_one_visit_at_the_same_moment_are_one(trial: Trial, weighed: str) -> None:
    """The database settles it, not the reading before."""
    trial.eligible(weighed)
    trial.order(weighed)
    with trial.units.acting() as uow:
        act = trial.bare_act(uow, "investigator")
        first = courses.orders_of(act.uow.session, weighed)[0]
        act.uow.session.add(
            courses.Order(
                id=act.new_id("order"),
                study_id=first.study_id,
                participant_id=weighed,
                visit=first.visit,
                number="000001",
                first_day=first.first_day,
                at_risk=False,
                premedication="",
                signature_id=first.signature_id,
                signed_at=act.now,
            )
        )
        with pytest.raises(Conflict):
            act.uow.session.flush()
