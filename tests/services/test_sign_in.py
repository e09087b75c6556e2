"""The door: who gets in, what a miss tells, and when a session ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pharmacy.crypto.passwords import Argon2Hasher
from pharmacy.domain.passwords import SHORTEST
from pharmacy.persistence import audit, people
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.services import people as people_verbs
from pharmacy.services import sign_in
from pharmacy.services.surroundings import Surroundings
from tests.support.browser import stored_bytes
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.cheap_derivation import CheapHasher
from tests.support.world import make_surroundings


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


class CountingHasher(CheapHasher):
    """The cheap hasher, counting how often it was asked."""

    asked = 0

    def verify(self, phc: str, password: str) -> bool:
        self.asked += 1
        return super().verify(phc, password)


class NewerHasher(CheapHasher):
    """A hasher whose cost has just been raised: every stored hash is an older one."""

    def needs_rehash(self, phc: str) -> bool:
        return True


def enter(trial: Trial, user_name: str, password: str = PASSWORD, **changes) -> sign_in.Door:
    around = changes.pop("around", None) or make_surroundings(trial.clock, trial.chance)
    with trial.units.acting() as uow:
        door = sign_in.sign_in(uow, around, user_name, password, "192.0.2.1", **changes)
        uow.commit()
    return door


def is_open(trial: Trial, token: str, *, idle_counts: bool = True) -> bool:
    with trial.units.reading() as uow:
        return sign_in.open_session(uow, token, idle_counts=idle_counts) is not None


def newest_entry(trial: Trial) -> audit.AuditEntry:
    with trial.units.reading() as uow:
        return audit.entries(uow.session, INSTALLATION, most=1)[0]


def around_with(trial: Trial, hasher: CheapHasher) -> Surroundings:
    return replace(make_surroundings(trial.clock, trial.chance), hasher=hasher)


def test_the_right_password_opens(trial: Trial) -> None:
    """G9: a token of 256 bits, of which the database holds the hash alone."""
    door = enter(trial, "nurse.test")
    assert len(bytes.fromhex(door.token)) == 32
    assert door.sentence == ""
    assert is_open(trial, door.token)
    database = stored_bytes(trial)
    assert b"nurse.test" in database
    assert door.token.encode() not in database
    assert bytes.fromhex(door.token) not in database


def test_every_miss_reads_and_costs_the_same(trial: Trial) -> None:
    """ASVS 6.3.8: unknown, wrong, left and without a password cannot be told apart."""
    with trial.act("administrator") as act:
        people_verbs.add_person(act, "waiting.test", "Wanda Waiting", "WW")
        people_verbs.leave(act, trial.ids["nurse2"])
    sentences, asked = set(), set()
    for user_name in ("nobody.test", "nurse.test", "nurse2.test", "waiting.test"):
        hasher = CountingHasher()
        door = enter(trial, user_name, "x" * SHORTEST, around=around_with(trial, hasher))
        assert door.token == ""
        sentences.add(door.sentence)
        asked.add(hasher.asked)
    assert len(sentences) == 1
    assert asked == {1}


def test_the_hash_of_nobody_costs_as_much_as_a_real_one() -> None:
    """ASVS 6.3.8: the stand-in hash is checked at today's production cost, not refused at once."""
    hasher = Argon2Hasher()
    assert not hasher.needs_rehash(sign_in._NOBODY)
    assert not hasher.verify(sign_in._NOBODY, "")


def test_a_miss_is_recorded_without_an_author_and_without_what_was_typed(trial: Trial) -> None:
    """G18, E11: whose account it was, not who tried; a password may be typed as the name."""
    enter(trial, "nurse.test", "wrong " * 4)
    entry = newest_entry(trial)
    assert (entry.event, entry.person_id) == ("sign_in_refused", None)
    assert entry.subject == f"person:{trial.ids['nurse']}"
    enter(trial, "violet harbor mitten")
    entry = newest_entry(trial)
    assert entry.subject == "person:unknown"
    assert b"violet" not in entry.body


def test_user_names_are_read_without_regard_to_case(trial: Trial) -> None:
    """F3: one name, one person."""
    assert enter(trial, "  Nurse.Test ").token


@pytest.mark.parametrize(("minutes", "stays"), [(14, True), (15, True), (16, False)])
def test_a_session_locks_when_idle(trial: Trial, minutes: int, stays: bool) -> None:
    """G8: fifteen minutes, judged on the server."""
    token = enter(trial, "nurse.test").token
    trial.clock.move(minutes=minutes)
    assert is_open(trial, token) is stays
    assert is_open(trial, token, idle_counts=False)


def test_activity_keeps_a_session_open_but_not_past_twelve_hours(trial: Trial) -> None:
    """G8: idle and absolute limits."""
    token = enter(trial, "nurse.test").token
    for _ in range(72):
        trial.clock.move(minutes=10)
        with trial.units.acting() as uow:
            row = sign_in.open_session(uow, token, idle_counts=True)
            assert row is not None
            assert sign_in.seen_is_due(uow, row)
            sign_in.seen(uow, row.id)
            uow.commit()
    assert is_open(trial, token)
    trial.clock.move(minutes=1)
    assert not is_open(trial, token)
    assert not is_open(trial, token, idle_counts=False)


def test_the_idle_clock_moves_at_most_once_a_minute(trial: Trial) -> None:
    """G8: no write for every click."""
    token = enter(trial, "nurse.test").token
    trial.clock.move(seconds=59)
    with trial.units.reading() as uow:
        row = sign_in.open_session(uow, token, idle_counts=True)
        assert row is not None
        assert not sign_in.seen_is_due(uow, row)


def test_signing_in_again_begins_anew_and_ends_what_this_browser_had(trial: Trial) -> None:
    """G9, session fixation: a token never outlives a sign-in in its browser; others stay."""
    first, elsewhere = enter(trial, "nurse.test").token, enter(trial, "nurse.test").token
    second = enter(trial, "monitor.test", instead_of=first).token
    assert second not in (first, elsewhere)
    assert not is_open(trial, first)
    assert is_open(trial, second)
    assert is_open(trial, elsewhere)


def test_a_failed_sign_in_ends_nothing(trial: Trial) -> None:
    """G6: somebody else's miss in this browser throws nobody out."""
    token = enter(trial, "nurse.test").token
    assert not enter(trial, "nurse.test", "wrong " * 4, instead_of=token).token
    assert is_open(trial, token)


def test_a_planted_token_is_never_taken_over(trial: Trial) -> None:
    """Session fixation: what the browser brought is no session and becomes none."""
    planted = "ab" * 32
    token = enter(trial, "nurse.test", instead_of=planted).token
    assert token != planted
    assert not is_open(trial, planted)


def test_who_leaves_is_out_at_once_everywhere(trial: Trial) -> None:
    """G21: every open session, and the way back in."""
    tokens = [enter(trial, "nurse.test").token for _ in range(3)]
    trial.do("administrator", people_verbs.leave, trial.ids["nurse"])
    assert not any(is_open(trial, token) for token in tokens)
    assert enter(trial, "nurse.test").token == ""


def test_signing_out_ends_one_session(trial: Trial) -> None:
    """G9: on the server, so that a copied cookie is worth nothing."""
    here, there = enter(trial, "nurse.test").token, enter(trial, "nurse.test").token
    with trial.units.acting() as uow:
        row = sign_in.open_session(uow, here, idle_counts=True)
        assert row is not None
        sign_in.sign_out(uow, row)
        uow.commit()
    assert not is_open(trial, here)
    assert is_open(trial, there)


def test_an_older_hash_is_renewed_at_a_good_sign_in_only(trial: Trial) -> None:
    """G5: rehash on sign-in."""
    around = around_with(trial, NewerHasher())
    with trial.units.reading() as uow:
        before = people.person(uow.session, trial.ids["nurse"]).password_hash
    enter(trial, "nurse.test", "wrong " * 4, around=around)
    with trial.units.reading() as uow:
        assert people.person(uow.session, trial.ids["nurse"]).password_hash == before
    assert enter(trial, "nurse.test", around=around).token
    with trial.units.reading() as uow:
        after = people.person(uow.session, trial.ids["nurse"]).password_hash
    assert after != before
    assert enter(trial, "nurse.test").token


def test_the_form_token_belongs_to_one_session(trial: Trial) -> None:
    """G11: another session's token is refused, and one that is no text of ours is no bug."""
    tokens = [enter(trial, "nurse.test").token for _ in range(2)]
    with trial.units.reading() as uow:
        here, there = (sign_in.open_session(uow, token, idle_counts=True) for token in tokens)
        assert here is not None
        assert there is not None
        assert sign_in.csrf_matches(here, sign_in.csrf_token(here))
        assert not sign_in.csrf_matches(here, sign_in.csrf_token(there))
        assert not sign_in.csrf_matches(here, "")
        assert not sign_in.csrf_matches(here, "é" * 64)
