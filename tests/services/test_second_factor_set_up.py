"""Setting an authenticator up, replacing it, and losing it."""

from __future__ import annotations

import pytest

from pharmacy.domain.errors import BadForm, Refusal, WrongPassword
from pharmacy.persistence import migrating
from pharmacy.persistence.migrating import DatabaseUnusable
from pharmacy.services import (
    authenticator_reset,
    authenticator_setup,
    installation,
    second_factor,
    sign_in,
)
from pharmacy.services.sign_in import Door
from tests.services.factor_acts import LOST, WRONG, by_link, events, other_than, session_of
from tests.services.test_sign_in import enter
from tests.support.authenticator import Phone, set_up
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.world import make_surroundings


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def test_the_key_is_the_same_through_a_sign_in_and_another_at_the_next(trial: Trial) -> None:
    """A page opened twice does not take the key away from the phone."""
    keys = []
    for _ in range(2):
        token = enter(trial, "nurse.test").token
        for _ in range(2):
            with trial.look("nurse") as act:
                row = session_of(trial, act, token)
                keys.append(authenticator_setup.to_set_up(act, row).key)
    assert keys[0] == keys[1] != keys[2] == keys[3]


def test_a_code_of_another_key_sets_nothing_up(trial: Trial) -> None:
    """A mistyped key is found before it matters."""
    token = enter(trial, "nurse.test").token
    with pytest.raises(BadForm), trial.act("nurse") as act:
        row = session_of(trial, act, token)
        right = Phone(authenticator_setup.to_set_up(act, row).key, trial.clock).code()
        authenticator_setup.set_up(act, row, other_than(right))
    with trial.units.reading() as uow:
        assert not second_factor.is_set_up(uow, trial.ids["nurse"])


@pytest.mark.parametrize("wrong", ["password", "code"])
def test_to_replace_it_takes_both_secrets_and_one_sentence(trial: Trial, wrong: str) -> None:
    """G23, ASVS 7.5.1: an open browser alone changes no second factor."""
    phone, codes = set_up(trial, "nurse")
    token = enter(trial, "nurse.test", code=phone.code()).token
    said = (WRONG, codes[0]) if wrong == "password" else (PASSWORD, phone.code())
    with pytest.raises(WrongPassword, match="Password and present code"), trial.act("nurse") as act:
        row = session_of(trial, act, token)
        new = Phone(authenticator_setup.to_set_up(act, row).key, trial.clock)
        authenticator_setup.set_up(act, row, new.code(), *said)
    with trial.units.reading() as uow:
        assert second_factor.recovery_codes_left(uow, trial.ids["nurse"]) == 10


def test_a_replaced_authenticator_and_its_codes_are_worth_nothing(trial: Trial) -> None:
    """G21: the new one counts, and other sessions end (ASVS 7.4.3)."""
    old, codes = set_up(trial, "nurse")
    other = enter(trial, "nurse.test", code=old.code()).token
    trial.clock.move(minutes=1)
    token = enter(trial, "nurse.test", code=old.code()).token
    with trial.act("nurse") as act:
        row = session_of(trial, act, token)
        new = Phone(authenticator_setup.to_set_up(act, row).key, trial.clock)
        authenticator_setup.set_up(act, row, new.code(), PASSWORD, codes[0])
        fresh = authenticator_setup.recovery_codes(act, row)
    assert new.key != old.key
    assert not set(fresh) & set(codes)
    trial.clock.move(minutes=1)
    for code in (old.code(), codes[1]):
        assert enter(trial, "nurse.test", code=code).token == ""
    assert enter(trial, "nurse.test", code=new.code()).token
    with trial.units.reading() as uow:
        assert sign_in.open_session(uow, token, idle_counts=True) is not None
        assert sign_in.open_session(uow, other, idle_counts=True) is None


def test_recovery_codes_are_shown_until_they_are_kept_and_to_that_sign_in_alone(
    trial: Trial,
) -> None:
    """Shown once: another sign-in of the same person does not see them."""
    token = enter(trial, "nurse.test").token
    with trial.act("nurse") as act:
        row = session_of(trial, act, token)
        phone = Phone(authenticator_setup.to_set_up(act, row).key, trial.clock)
        authenticator_setup.set_up(act, row, phone.code())
    trial.clock.move(minutes=1)
    other = enter(trial, "nurse.test", code=phone.code()).token
    with trial.look("nurse") as act:
        assert len(authenticator_setup.recovery_codes(act, session_of(trial, act, token))) == 10
        assert authenticator_setup.recovery_codes(act, session_of(trial, act, other)) == ()
    trial.do("nurse", authenticator_setup.keep_recovery_codes)
    assert events(trial)[0] == "recovery_codes_kept"
    with trial.look("nurse") as act:
        assert authenticator_setup.recovery_codes(act, session_of(trial, act, token)) == ()


def test_a_lost_device_takes_link_and_password(trial: Trial) -> None:
    """G7, G21: sessions end; neither password nor link nor old code is enough alone."""
    phone, codes = set_up(trial, "nurse")
    open_one = enter(trial, "nurse.test", code=phone.code()).token
    _, link = trial.do("administrator", authenticator_reset.end, trial.ids["nurse"], LOST)
    assert events(trial)[0] == "authenticator_ended"
    with trial.units.reading() as uow:
        assert sign_in.open_session(uow, open_one, idle_counts=True) is None
    trial.clock.move(minutes=1)
    for code in ("", phone.code(), codes[0]):
        assert enter(trial, "nurse.test", code=code).token == ""
    assert by_link(trial, link, WRONG) == Door(sentence=sign_in.NO_MATCH)
    trial.clock.move(minutes=2)
    token = by_link(trial, link).token
    around = make_surroundings(trial.clock, trial.chance)
    with trial.act("nurse") as act:
        assert second_factor.must_set_up(act.uow, around, trial.ids["nurse"])
        row = session_of(trial, act, token)
        new = Phone(authenticator_setup.to_set_up(act, row).key, trial.clock)
        authenticator_setup.set_up(act, row, new.code())
        assert not second_factor.must_set_up(act.uow, around, trial.ids["nurse"])
    with pytest.raises(Refusal, match="used or has expired"):
        by_link(trial, link)
    trial.clock.move(minutes=1)
    assert enter(trial, "nurse.test", code=new.code()).token


def test_a_link_for_a_new_authenticator_ends(trial: Trial) -> None:
    """By time, by a newer one, and with the account."""
    set_up(trial, "nurse")
    _, first = trial.do("administrator", authenticator_reset.end, trial.ids["nurse"], LOST)
    _, second = trial.do("administrator", authenticator_reset.end, trial.ids["nurse"], LOST)
    with pytest.raises(Refusal, match="used or has expired"):
        by_link(trial, first)
    trial.clock.move(hours=24, seconds=1)
    with pytest.raises(Refusal, match="used or has expired"):
        by_link(trial, second)


def test_who_may_end_whose_authenticator(trial: Trial) -> None:
    """G20, G22: the administrator, of another person who has one, with no infusion running."""
    set_up(trial, "nurse")
    set_up(trial, "administrator")
    nurse, me = trial.ids["nurse"], trial.ids["administrator"]
    refused = [
        ("monitor", nurse, "do not include"),
        ("administrator", me, "Ask another administrator"),
        ("administrator", trial.ids["monitor"], "has no authenticator"),
        ("administrator", "0" * 32, "no such account"),
    ]
    for who, whose, why in refused:
        with pytest.raises(Refusal, match=why):
            trial.do(who, authenticator_reset.end, whose, LOST)


def test_after_a_restore_no_link_of_before_opens(trial: Trial) -> None:
    """One that was used after the backup would open once more."""
    set_up(trial, "nurse")
    _, link = trial.do("administrator", authenticator_reset.end, trial.ids["nurse"], LOST)
    with trial.units.acting() as uow:
        installation.record_restored(uow, "00" * 32, trial.clock())
        uow.commit()
    with pytest.raises(Refusal, match="used or has expired"):
        by_link(trial, link)
    assert enter(trial, "nurse.test").token == ""


def test_the_older_schema_is_refused_once_somebody_has_one(trial: Trial, sqlite_url: str) -> None:
    """G7: a downgrade does not make the password alone enough."""
    set_up(trial, "nurse")
    trial.units.close()
    with pytest.raises(DatabaseUnusable, match="second factors"):
        migrating.downgrade(sqlite_url, "0005")
    assert enter(trial, "nurse.test").token == ""
