"""The second factor: each code once, each recovery code once, and one sentence for every miss."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from threading import Barrier

import pytest

from pharmacy.crypto import authenticators as crypto
from pharmacy.crypto.authenticators import Authenticators
from pharmacy.domain.errors import Refusal
from pharmacy.persistence import authenticators
from pharmacy.services import (
    authenticator_reset,
    authenticator_setup,
    second_factor,
    sign_in,
    throttling,
)
from pharmacy.services.sign_in import Door, Proof
from tests.services.factor_acts import LOST, WRONG, events, other_than, session_of
from tests.services.test_sign_in import CountingHasher, enter
from tests.support.authenticator import Phone, set_up
from tests.support.browser import stored_bytes
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.nurse_acts import running_bag
from tests.support.world import SECRET_KEY, make_surroundings


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


@pytest.fixture
def both(database_url: str) -> Iterator[Trial]:
    """A trial on each of the two databases."""
    made = make_trial(database_url)
    yield made
    made.units.close()


# RFC 6238, appendix B, SHA-1: the last six of the eight digits printed there.
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_the_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    """G7: the published vectors through our function."""
    at = datetime.fromtimestamp(seconds, UTC)
    known = Authenticators(SECRET_KEY)
    assert known.step_of(b"12345678901234567890", code, at) == seconds // 30
    assert known.step_of(b"12345678901234567890", f" {code[:3]} {code[3:]} ", at) == seconds // 30
    assert known.step_of(b"12345678901234567890", other_than(code), at) is None


@pytest.mark.parametrize("typed", ["", "28708", "2870820", "28708a", "٢٨٧٠٨٢", "-87082", "  "])
def test_what_is_no_code_is_none(typed: str) -> None:
    """G17: neither an error nor a match."""
    at = datetime.fromtimestamp(59, UTC)
    assert Authenticators(SECRET_KEY).step_of(b"12345678901234567890", typed, at) is None


def test_a_sealed_secret_opens_for_its_person_and_server_alone() -> None:
    """G16: bound to person and purpose; of one length whatever is in it."""
    known, salt = Authenticators(SECRET_KEY), bytes(range(32))
    sealed = known.seal("secret", "a" * 32, b"k" * 20, salt)
    assert len(sealed) == crypto.SEALED_LENGTH == authenticators.SEALED_LENGTH
    assert len(known.seal("step", "a" * 32, b"", salt)) == crypto.SEALED_LENGTH
    assert known.open("secret", "a" * 32, sealed) == b"k" * 20
    assert known.open("step", "a" * 32, sealed) is None
    assert known.open("secret", "b" * 32, sealed) is None
    assert Authenticators(bytes(range(1, 33))).open("secret", "a" * 32, sealed) is None


def test_once_set_up_the_password_alone_is_a_miss(trial: Trial) -> None:
    """G7: refused without, with a wrong one, with somebody else's; let in with one's own."""
    phone, _ = set_up(trial, "nurse")
    others, _ = set_up(trial, "nurse2")
    for code in ("", other_than(phone.code()), others.code()):
        assert enter(trial, "nurse.test", code=code).token == ""
    assert enter(trial, "nurse.test", code=phone.code()).token


def test_who_has_none_is_asked_for_none(trial: Trial) -> None:
    """Offered, not demanded: whatever stands in the field."""
    assert enter(trial, "nurse.test", code="123456").token


def test_every_miss_reads_and_costs_the_same(trial: Trial) -> None:
    """ASVS 6.3.8: which of user name, password and code was wrong is told by nothing."""
    phone, _ = set_up(trial, "nurse")
    tries = [
        ("nurse.test", PASSWORD, other_than(phone.code())),
        ("nurse.test", WRONG, phone.code()),
        ("nurse2.test", WRONG, ""),
        ("nobody.test", WRONG, phone.code()),
    ]
    said = set()
    for user_name, password, code in tries:
        hasher = CountingHasher()
        around = replace(make_surroundings(trial.clock, trial.chance), hasher=hasher)
        door = enter(trial, user_name, password, code=code, around=around)
        assert events(trial)[0] == "sign_in_refused"
        said.add((door, hasher.asked))
    assert said == {(Door(sentence=sign_in.NO_MATCH), 1)}


def test_a_code_with_a_wrong_password_is_not_used_up(trial: Trial) -> None:
    """Nobody without the password can spoil a code."""
    phone, _ = set_up(trial, "nurse")
    enter(trial, "nurse.test", WRONG, code=phone.code())
    assert enter(trial, "nurse.test", code=phone.code()).token


def test_a_code_opens_once_and_no_older_one_after_it(trial: Trial) -> None:
    """G7, ASVS 6.5.1: neither the same code nor the one before."""
    phone, _ = set_up(trial, "nurse")
    assert enter(trial, "nurse.test", code=phone.code()).token
    for steps in (0, -1):
        assert enter(trial, "nurse.test", code=phone.code(steps)).token == ""
    assert enter(trial, "nurse.test", code=phone.code(1)).token


def test_the_code_that_set_it_up_does_not_open(trial: Trial) -> None:
    """ASVS 6.5.1: it was used by that."""
    phone, _ = set_up(trial, "nurse")
    trial.clock.move(minutes=-1)
    assert enter(trial, "nurse.test", code=phone.code()).token == ""


@pytest.mark.parametrize(("steps", "opens"), [(-2, 0), (-1, 1), (0, 1), (1, 1), (2, 0)])
def test_a_clock_may_be_half_a_minute_out(trial: Trial, steps: int, opens: int) -> None:
    """ASVS 6.5.5: one step to either side and not two."""
    phone, _ = set_up(trial, "nurse")
    trial.clock.move(minutes=5)
    assert bool(enter(trial, "nurse.test", code=phone.code(steps)).token) == opens


def at_once(trial: Trial, code: str, times: int = 20) -> list[Door]:
    """So many browsers with the same right words in the same moment, each from its own address."""
    start = Barrier(times)

    def one(number: int) -> Door:
        start.wait()
        around = make_surroundings(trial.clock, trial.chance)
        address = f"192.0.2.{number}"
        with trial.units.acting() as uow:
            try:
                door = sign_in.sign_in(uow, around, "nurse.test", PASSWORD, address, code=code)
                uow.commit()
            except Refusal as refused:
                return Door(sentence=refused.sentence)
        return door

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def test_of_twenty_at_once_with_one_code_one_comes_in(both: Trial) -> None:
    """G7, ASVS 6.5.1: on both databases."""
    phone, _ = set_up(both, "nurse")
    doors = at_once(both, phone.code())
    assert sum(bool(door.token) for door in doors) == 1


def test_of_twenty_at_once_with_one_recovery_code_one_comes_in(both: Trial) -> None:
    """G7: on both databases."""
    _, codes = set_up(both, "nurse")
    doors = at_once(both, codes[3])
    assert sum(bool(door.token) for door in doors) == 1
    with both.units.reading() as uow:
        assert second_factor.recovery_codes_left(uow, both.ids["nurse"]) == 9


def test_each_recovery_code_opens_once_and_is_written_down(trial: Trial) -> None:
    """G7, G18: in any spelling; its use is an entry that says how many are left."""
    _, codes = set_up(trial, "nurse")
    assert len(set(codes)) == authenticator_setup.RECOVERY_CODES
    spelled = codes[0].lower().replace(" ", "-").replace("0", "o").replace("1", "l")
    door = enter(trial, "nurse.test", code=spelled)
    assert (bool(door.token), door.recovery_codes_left) == (True, 9)
    assert events(trial)[:2] == ["signed_in", "recovery_code_used"]
    assert enter(trial, "nurse.test", code=codes[0]).token == ""
    assert enter(trial, "nurse.test", code=codes[9]).recovery_codes_left == 8
    assert enter(trial, "nurse2.test", code=codes[1]).recovery_codes_left is None


def test_somebody_elses_recovery_code_is_a_miss(trial: Trial) -> None:
    """G19: a code belongs to its person."""
    _, codes = set_up(trial, "nurse")
    set_up(trial, "nurse2")
    assert enter(trial, "nurse2.test", code=codes[0]).token == ""


def test_guessing_codes_is_slowed_as_guessing_passwords_is(trial: Trial) -> None:
    """G6: the right code too waits, and waiting ends."""
    phone, _ = set_up(trial, "nurse")
    for _ in range(6):
        said = enter(trial, "nurse.test", code=other_than(phone.code())).sentence
        trial.clock.move(seconds=1)
    assert said == sign_in.NO_MATCH
    assert "Too many tries" in enter(trial, "nurse.test", code=phone.code()).sentence
    trial.clock.move(minutes=2)
    assert enter(trial, "nurse.test", code=phone.code()).token


def test_nothing_of_it_lies_in_the_clear(trial: Trial) -> None:
    """E11, G16: neither key nor codes, in any writing, in the database or the trail."""
    phone, codes = set_up(trial, "nurse")
    lying = stored_bytes(trial)
    secret = base64.b32decode(phone.key)
    spellings = [phone.key.encode(), secret, secret.hex().encode(), phone.code(-2).encode()]
    for code in codes:
        spellings += [code.encode(), code.replace(" ", "").encode()]
    assert not [spelling for spelling in spellings if spelling in lying]
    assert b"authenticator_set_up" in lying


def test_nobody_is_signed_out_or_led_away_in_mid_infusion(trial: Trial) -> None:
    """G8: not by an administrator, not by a demand that began while it ran."""
    set_up(trial, "nurse")
    running_bag(trial)
    with pytest.raises(Refusal, match="infusion running"):
        trial.do("administrator", authenticator_reset.end, trial.ids["nurse"], LOST)
    with trial.act("nurse") as act:
        authenticators.forget(act.uow.session, trial.ids["nurse"])
        act.record("planted", "a demand on somebody who has none yet")
    demanding = replace(make_surroundings(trial.clock, trial.chance), demands_second_factor=True)
    with trial.units.reading() as uow:
        assert not second_factor.must_set_up(uow, demanding, trial.ids["nurse"])
        assert second_factor.must_set_up(uow, demanding, trial.ids["nurse2"])


def test_under_another_servers_secret_a_code_is_a_miss_and_no_fault(trial: Trial) -> None:
    """G17: after a restore with a new secret key nobody meets an error."""
    phone, codes = set_up(trial, "nurse")
    around = replace(
        make_surroundings(trial.clock, trial.chance),
        authenticators=Authenticators(bytes(range(32))),
    )
    door = enter(trial, "nurse.test", code=phone.code(), around=around)
    assert door == Door(sentence=sign_in.NO_MATCH)
    assert enter(trial, "nurse.test", code=codes[0], around=around).token


@pytest.mark.parametrize(
    ("shown", "enough"),
    [
        (Proof(), False),
        (Proof(password=True), True),
        (Proof(password=True, asked=True), False),
        (Proof(second_factor=True, asked=True), False),
        (Proof(password=True, second_factor=True, asked=True), True),
    ],
)
def test_what_is_enough_at_the_door(shown: Proof, enough: bool) -> None:
    """G7: both, where both are asked."""
    assert shown.is_enough() is enough


def test_a_wrong_present_code_is_counted_like_a_wrong_signature(trial: Trial) -> None:
    """G6: replacing is no way around the throttle."""
    phone, _ = set_up(trial, "nurse")
    token = enter(trial, "nurse.test", code=phone.code()).token
    with trial.units.acting() as uow:
        for _ in range(6):
            throttling.missed_signature(uow, trial.ids["nurse"])
        uow.commit()
    with pytest.raises(Refusal, match="Too many tries"), trial.act("nurse") as act:
        row = session_of(trial, act, token)
        new = Phone(authenticator_setup.to_set_up(act, row).key, trial.clock)
        authenticator_setup.set_up(act, row, new.code(), PASSWORD, phone.code(1))
