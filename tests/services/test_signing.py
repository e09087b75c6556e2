"""A signature: the signer's own password, a meaning, and a bond to what was signed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import Refusal, WrongPassword
from pharmacy.persistence.sign_ins import Throttle
from pharmacy.services import people, signing, throttling
from tests.support.builders import PASSWORD, Trial, make_trial

FACTS = {"weight_kg": "59.6", "visit": "W0"}


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def sign(trial: Trial, who: str = "investigator", password: str = PASSWORD, facts=None, of="o1"):
    with trial.units.acting() as uow:
        act = trial.bare_act(uow, who)
        signed = signing.sign(act, password, "Ordered", "order", of, facts or FACTS)
        act.record("signed_by_test", "order:o1")
        uow.commit()
    return signed


def miss(trial: Trial, who: str = "investigator") -> None:
    with pytest.raises(WrongPassword):
        sign(trial, who, "wrong wrong wrong")
    with trial.units.acting() as uow:
        throttling.missed_signature(uow, trial.ids[who])
        uow.commit()


def test_it_shows_name_moment_and_meaning(trial: Trial) -> None:
    """F1: 21 CFR 11.50."""
    signed = sign(trial)
    assert (signed.printed_name, signed.meaning) == ("Ana Rivera", "Ordered")
    assert signed.at == trial.clock()
    assert signed.person_id == trial.ids["investigator"]


def test_it_is_bound_to_what_was_signed(trial: Trial) -> None:
    """F2: 21 CFR 11.70; other facts or another record give another hash."""
    first = sign(trial).record_sha256
    assert sign(trial).record_sha256 == first
    assert sign(trial, facts={**FACTS, "weight_kg": "59.7"}).record_sha256 != first
    assert sign(trial, of="o2").record_sha256 != first


def test_only_ones_own_password_signs(trial: Trial) -> None:
    """F5, F7: the wrong one signs nothing and says so, whoever else's it may be."""
    person, token = trial.do("administrator", people.add_person, "x.new", "Xenia New", "XN")
    with pytest.raises(WrongPassword, match="Nothing was signed"):
        sign(trial, password="wrong wrong wrong")
    assert token
    with trial.units.reading() as uow, pytest.raises(WrongPassword):
        signing.check_password(trial.bare_act(uow, "nurse"), person, PASSWORD)


def test_misses_slow_down_and_a_signature_clears_them(trial: Trial) -> None:
    """G6, 11.300(d): in a row; the right password after the wait is never refused."""
    for _ in range(5):
        miss(trial)
    with pytest.raises(Refusal, match="Wait 1 second,"):
        sign(trial)
    trial.clock.move(seconds=1)
    sign(trial)
    with trial.units.reading() as uow:
        assert uow.session.scalars(sa.select(Throttle)).all() == []


def test_misses_of_one_person_slow_nobody_else(trial: Trial) -> None:
    """G6: a person's own count."""
    for _ in range(5):
        miss(trial)
    sign(trial, "nurse")
