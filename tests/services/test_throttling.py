"""Guessing waits longer and longer; nobody is ever locked out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import Conflict, Refusal
from pharmacy.persistence.sign_ins import Throttle
from pharmacy.services import people, sign_in, throttling
from tests.services.test_sign_in import CountingHasher
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.world import make_surroundings

WRONG = "wrong wrong wrong"


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def enter(trial: Trial, password: str, address: str = "192.0.2.1", name: str = "nurse.test"):
    with trial.units.acting() as uow:
        around = make_surroundings(trial.clock, trial.chance)
        door = sign_in.sign_in(uow, around, name, password, address)
        uow.commit()
    return door


def waits(trial: Trial, misses: int) -> list[int]:
    """How many seconds each of so many misses, one after another as soon as allowed, costs."""
    found = []
    for _ in range(misses):
        enter(trial, WRONG)
        waited = 0
        while _must_wait(trial):
            trial.clock.move(seconds=1)
            waited += 1
        found.append(waited)
    return found


def _must_wait(trial: Trial) -> bool:
    with trial.units.reading() as uow:
        try:
            throttling.check(uow, throttling.sign_in_key("nurse.test", "192.0.2.1"))
        except Refusal:
            return True
    return False


def test_four_misses_are_free_and_then_waits_double_up_to_half_a_minute(trial: Trial) -> None:
    """G6: after ten misses each try costs the most; keys.md: 30 seconds, for the way to a code
    break begins here.
    """
    assert waits(trial, 13) == [0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30, 30, 30]


def test_a_try_during_the_wait_is_not_counted_and_does_not_lengthen_it(trial: Trial) -> None:
    """G6: never a lock-out; the wait ends however often somebody knocks."""
    for _ in range(8):
        enter(trial, WRONG)
        trial.clock.move(seconds=8)
    enter(trial, WRONG)
    for _ in range(100):
        assert "Wait" in enter(trial, PASSWORD).sentence
    trial.clock.move(seconds=30)
    assert enter(trial, PASSWORD).token


def test_the_wait_is_the_guessers_own(trial: Trial) -> None:
    """G6: from another address the nurse signs in at once, and other people from this one."""
    for _ in range(5):
        enter(trial, WRONG)
    assert "Wait 1 second," in enter(trial, PASSWORD).sentence
    assert enter(trial, PASSWORD, "198.51.100.7").token
    assert enter(trial, PASSWORD, name="monitor.test").token


def test_an_unknown_name_waits_like_a_known_one(trial: Trial) -> None:
    """ASVS 6.3.8: the wait tells nothing either."""
    for name in ("nurse.test", "nobody.test"):
        said = [enter(trial, WRONG, name=name).sentence for _ in range(7)]
        assert said[:5] == [said[0]] * 5
        assert said[5:] == ["Too many tries in a row. Wait 1 second, then try again."] * 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "unix", False),
    ],
)
def test_which_addresses_count_as_one(one: str, other: str, same: bool) -> None:
    """G6: a subscriber's IPv6 network is one guesser; whoever has one has 2^64 addresses."""
    equal = throttling.sign_in_key("a", one) == throttling.sign_in_key("a", other)
    assert equal is same


def test_a_known_device_is_no_address(trial: Trial) -> None:
    """G6: whoever misses at the same address delays nobody who has signed in here before."""
    for _ in range(8):
        enter(trial, WRONG)
    assert "Wait" in enter(trial, PASSWORD).sentence
    assert enter(trial, PASSWORD, "device:" + 32 * "a").token


def test_case_and_spaces_of_a_name_do_not_begin_a_new_count() -> None:
    """G6: the name as it is looked up."""
    assert throttling.sign_in_key(" R.Okafor", "x") == throttling.sign_in_key("r.okafor", "x")


def test_an_hour_forgets_and_old_counts_are_swept(trial: Trial) -> None:
    """G6: misses long past do not count; their rows do not pile up."""
    for number in range(20):
        enter(trial, WRONG, name=f"nobody{number}.test")
    for _ in range(6):
        enter(trial, WRONG)
    trial.clock.move(minutes=61)
    enter(trial, WRONG)
    with trial.units.reading() as uow:
        rows = uow.session.scalars(sa.select(Throttle)).all()
    assert [row.failures for row in rows] == [1]
    assert rows[0].wait_until - trial.clock() == timedelta(0)


def test_a_good_sign_in_clears_the_count(trial: Trial) -> None:
    """G6: misses in a row, not in a lifetime."""
    for _ in range(3):
        for _ in range(4):
            enter(trial, WRONG)
        assert enter(trial, PASSWORD).token


@pytest.fixture
def on_both(database_url: str) -> Iterator[Trial]:
    trial = make_trial(database_url)
    yield trial
    trial.engine.dispose()


def test_what_was_compared_before_is_not_told_while_a_wait_lasts(trial: Trial) -> None:
    """G6: passwords are compared with nothing locked; whether the try counts is decided locked."""
    around = make_surroundings(trial.clock, trial.chance)
    said = "nurse.test", PASSWORD, "192.0.2.1"
    early = sign_in.compare(trial.units, around, *said)
    assert early is not None
    assert early.matches
    for _ in range(5):
        enter(trial, WRONG)
    assert sign_in.compare(trial.units, around, *said) is None
    with trial.units.acting() as uow:
        door = sign_in.sign_in(uow, around, *said, compared=early)
    assert not door.token
    assert "Wait 1 second," in door.sentence


def test_a_password_that_was_changed_meanwhile_is_compared_again(trial: Trial) -> None:
    """G6: what was compared is worth something beside the very form it was compared with."""
    around = make_surroundings(trial.clock, trial.chance)
    said = "nurse.test", PASSWORD, "192.0.2.1"
    early = sign_in.compare(trial.units, around, *said)
    _, token = trial.do("administrator", people.new_link, trial.ids["nurse"])
    with trial.units.acting() as uow:
        people.choose_password(uow, around, token, "walnut ferry copper meadow")
        uow.commit()
    with trial.units.acting() as uow:
        assert not sign_in.sign_in(uow, around, *said, compared=early).token


def test_guesses_sent_at_once_are_no_more_than_guesses_in_a_row(on_both: Trial) -> None:
    """G6: the count cannot be outrun, on either database."""
    trial = on_both
    hasher = CountingHasher()
    around = replace(make_surroundings(trial.clock, trial.chance), hasher=hasher)
    # The first miss makes the row that the others take turns at.
    enter(trial, WRONG)

    def guess(_number: int) -> None:
        with trial.units.acting() as uow:
            try:
                sign_in.sign_in(uow, around, "nurse.test", WRONG, "192.0.2.1")
                uow.commit()
            except Conflict:
                return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(guess, range(40)))
    assert hasher.asked == 4
