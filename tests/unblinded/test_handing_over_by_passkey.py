"""The second person at the bench shows a passkey, in the browser where they take over."""

from __future__ import annotations

import pytest

from pharmacy.persistence import audit, passkeys
from pharmacy.persistence.audit import INSTALLATION
from tests.support.browser import signed_in
from tests.support.lit_builders import Browser, LitStudy
from tests.support.passkeys import makes, options
from tests.support.soft_passkey import SoftPasskey
from tests.unblinded.bench_acts import AtBench, in_the_clear
from tests.unblinded.test_handing_over import _check_in, _hand_over, _path, at, first, study

__all__ = ["at", "first", "study"]


@pytest.fixture
def device(first: Browser) -> SoftPasskey:
    """The checker's passkey."""
    made = SoftPasskey("checker")
    assert makes(signed_in(first.client.application, "checker"), made).status_code == 303
    return made


def asked(browser: Browser, at: AtBench) -> str:
    return options(browser.get(_path(browser, at, "/check-in")).text)


def counter(study: LitStudy) -> bytes:
    with study.trial.units.reading() as uow:
        (row,) = passkeys.of(uow.session, study.trial.ids["checker"])
        return row.counter


def test_a_passkey_takes_over_as_a_code_does(first, at, study, device):
    """D4, G7: asked for without a name, since nobody knows yet who comes."""
    _hand_over(first, at)
    assert 'allowCredentials": [{' not in asked(first, at)
    taken = _check_in(first, at, study, "checker", passkey=device.show(asked(first, at)))
    assert taken.status_code == 303
    assert "Rose Okafor" in first.get(taken.location).text


def test_what_does_not_hold_takes_nothing_over(first, at, study, device):
    """G7: no passkey, a wrong origin, the first person's own, and without the password."""
    own = SoftPasskey("pharmacist")
    assert makes(signed_in(first.client.application, "pharmacist"), own).status_code == 303
    _hand_over(first, at)
    tries = [
        {"passkey": ""},
        {"passkey": "{}"},
        {"passkey": device.show(asked(first, at), origin="https://evil.example")},
        {"passkey": own.show(asked(first, at))},
        {"passkey": device.show(asked(first, at)), "second_password": "wrong wrong wrong"},
    ]
    for said in tries:
        study.trial.clock.move(seconds=5)
        refused = _check_in(first, at, study, "checker", **said)
        assert (refused.status_code, "do not match" in refused.text) == (400, True), said
    assert "Tom Lang" in first.get(_path(first, at, "/check-in")).text


def test_an_answer_of_the_bench_is_taken_once(first, at, study, device):
    """ASVS 6.5.1: after the hand-over the same answer meets another challenge."""
    _hand_over(first, at)
    answer = device.show(asked(first, at))
    assert _check_in(first, at, study, "checker", passkey=answer).status_code == 303
    _hand_over(first, at)
    assert _check_in(first, at, study, "checker", passkey=answer).status_code == 400


def test_a_passkey_at_the_bench_moves_nothing_that_can_be_read(first, at, study, device):
    """B6: neither row nor clock in the clear says when the second person came, or by what."""
    _hand_over(first, at)
    before, sealed = in_the_clear(study), counter(study)
    taken = _check_in(first, at, study, "checker", passkey=device.show(asked(first, at)))
    assert taken.status_code == 303
    after = in_the_clear(study)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {
        "sign_in_session", "lit_session", "lit_key_wrap", "lit_audit_head", "lit_audit_entry"
    }  # fmt: skip
    assert "passkey" in before
    assert counter(study) != sealed


def test_a_counter_that_goes_back_is_written_down_at_the_bench_too(first, at, study, device):
    """A copied passkey is refused wherever it is shown, and the administrator reads of it."""
    _hand_over(first, at)
    device.counter = 7
    taken = _check_in(first, at, study, "checker", passkey=device.show(asked(first, at)))
    assert taken.status_code == 303
    _hand_over(first, at)
    refused = _check_in(
        first, at, study, "checker", passkey=device.show(asked(first, at), counts=-2)
    )
    assert refused.status_code == 400
    with study.trial.units.reading() as uow:
        found = audit.entries(uow.session, INSTALLATION, most=2)
    assert [entry.event for entry in found] == ["sign_in_refused", "passkey_counter_went_back"]
    assert {entry.subject for entry in found} == {f"person:{study.trial.ids['checker']}"}
