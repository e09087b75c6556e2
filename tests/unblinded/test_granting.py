"""Enrolling a holder: a comparison in person, signed grants, and nobody the server can enrol."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import BadForm, Refusal, WrongPassphrase
from pharmacy.domain.roles import Role
from pharmacy.persistence.people import Person
from pharmacy.services import people as people_verbs
from pharmacy.unblinded import granting, holders, trail
from pharmacy.unblinded.standing import standing
from pharmacy.unblinded.tables import HolderKeys, KeyWrap
from tests.support.builders import add_person
from tests.support.lit_builders import PEPPER, LitStudy, open_study


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Keys are founded; the pharmacist has keys of their own and is not enrolled."""
    made = open_study(sqlite_url, granted=(), loaded=False)
    made.make_keys("pharmacist")
    return made


def _grant(study: LitStudy, who: str, words: str, passphrase: str) -> None:
    study.trial.do("statistician", granting.grant, study.trial.ids[who], words, passphrase, PEPPER)


def _held(study: LitStudy, who: str) -> tuple[str, ...]:
    with study.trial.look("statistician") as act:
        return granting.granted(act, study.trial.ids[who])


def test_other_words_enrol_nobody(study: LitStudy) -> None:
    """K13: what was heard must be this person's words; nothing is kept of a wrong try (H5)."""
    passphrase = study.passphrases["statistician"]
    other = study.six_words("statistician")
    for heard in (other, "", "   ", "one two three", "x" * 5000):
        with pytest.raises(BadForm) as wrong:
            _grant(study, "pharmacist", heard, passphrase)
        assert "words" in wrong.value.errors
    with pytest.raises(WrongPassphrase):
        _grant(study, "pharmacist", study.six_words("pharmacist"), "six wrong words here now yes")
    assert _held(study, "pharmacist") == ()
    _grant(study, "pharmacist", f" {study.six_words('pharmacist').upper()} ", passphrase)
    assert _held(study, "pharmacist") == ("list", "record")


def test_the_founder_is_asked_for_nobodys_words(study: LitStudy) -> None:
    """Only somebody whom another person enrolled types words at the first opening."""
    with study.trial.look("statistician") as act:
        assert standing(act).granter == ""
    study.grant("pharmacist")
    with study.trial.look("pharmacist") as act:
        assert (
            standing(act).granter
            == act.uow.session.get_one(Person, study.trial.ids["statistician"]).full_name
        )


def test_granting_twice_is_once(study: LitStudy) -> None:
    """The same form again changes nothing and is no error."""
    study.grant("pharmacist")
    before = _wraps(study)
    study.grant("pharmacist")
    assert _wraps(study) == before


def _wraps(study: LitStudy) -> list[tuple[str, str, bytes]]:
    with study.trial.look("statistician") as act:
        rows = act.uow.session.scalars(sa.select(KeyWrap).order_by(KeyWrap.recipient))
        return [(row.recipient, row.key_name, row.wrapped) for row in rows]


def test_the_checker_never_gets_the_list_key(study: LitStudy) -> None:
    """Checkers read what was prepared, never the list (C1)."""
    study.make_keys("checker")
    study.grant("checker")
    assert _held(study, "checker") == ("record",)
    assert study.room("checker").list_key is None
    assert study.room("checker").record_key == study.room("statistician").record_key


@pytest.mark.parametrize("who", ["administrator", "coordinator", "nurse"])
def test_nobody_else_enrols(study: LitStudy, who: str) -> None:
    """The administrator least of all (G22)."""
    study.make_keys("pharmacist2")
    with pytest.raises(Refusal) as refused:
        study.trial.do(
            who,
            granting.grant,
            study.trial.ids["pharmacist2"],
            study.six_words("pharmacist2"),
            study.passphrases["pharmacist"],
            PEPPER,
        )
    assert refused.value.status == 403


def test_keys_that_were_not_confirmed_are_not_enrolled(study: LitStudy) -> None:
    """And neither is somebody without an unblinded role."""
    study.trial.do("pharmacist2", holders.make, PEPPER)
    for who in ("pharmacist2", "nurse"):
        with pytest.raises(Refusal, match="no keys"):
            _grant(study, who, "a b c d e f", study.passphrases["statistician"])


def test_a_holder_who_was_not_enrolled_opens_nothing(study: LitStudy) -> None:
    """K1: own keys alone are no keys of the study."""
    with pytest.raises(Refusal, match="do not hold") as refused:
        study.open_room("pharmacist")
    assert refused.value.status == 403


def test_every_grant_is_on_both_trails(study: LitStudy) -> None:
    """Who enrolled whom, in the open; the sealed entry says which keys (E1)."""
    study.grant("pharmacist")
    blinded = study.trial.events()[0]
    assert (blinded.event, blinded.person_id) == (
        "holder_enrolled",
        study.trial.ids["statistician"],
    )
    with study.trial.look("statistician") as act:
        newest = trail.entries(act, study.room("statistician").record_key)[-1]
    assert newest["event"] == "keys_granted"
    assert newest["keys"] == ["list", "record"]
    assert newest["blinded_leaf"] == blinded.leaf.hex()


@pytest.fixture
def two_statisticians(study: LitStudy) -> LitStudy:
    """A second statistician, enrolled by the founder, who enrols the pharmacists."""
    study.trial.ids["statistician2"] = add_person(
        study.trial, "statistician2", "Stella Statham", Role.STATISTICIAN
    )
    study.make_keys("statistician2")
    study.grant("statistician2")
    study.room("statistician2")
    study.grant("pharmacist", by="statistician2")
    study.make_keys("pharmacist2")
    study.grant("pharmacist2", by="statistician2")
    return study


def test_trust_follows_signed_grants(two_statisticians: LitStudy) -> None:
    """Who was enrolled by another holder than the founder trusts the founder by their word."""
    study = two_statisticians
    with pytest.raises(BadForm):
        study.open_room("pharmacist")
    assert study.room("pharmacist", enrolled_by="statistician2").list_key
    study.load()
    assert study.open_room("pharmacist", enrolled_by="statistician2").list_key


def test_trust_does_not_follow_a_forged_founder(two_statisticians: LitStudy) -> None:
    """The granter's signature names the founder's fingerprint, so that no other one passes (H5)."""
    study = two_statisticians
    thief = study.trial.ids["pharmacist2"]
    with study.trial.act("administrator") as act:
        other = act.uow.session.get_one(HolderKeys, thief)
        keys = act.uow.session.get_one(HolderKeys, study.trial.ids["statistician"])
        keys.exchange_public, keys.signing_public = other.exchange_public, other.signing_public
        act.record("tampered", "study")
    with pytest.raises(Refusal, match="not the ones you trusted"):
        study.open_room("pharmacist", enrolled_by="statistician2")


def test_a_granter_opens_the_room_before_granting(study: LitStudy) -> None:
    """Somebody whose own keys were never checked cannot vouch for others."""
    study.trial.ids["statistician2"] = add_person(
        study.trial, "statistician2", "Stella Statham", Role.STATISTICIAN
    )
    study.make_keys("statistician2")
    study.grant("statistician2")
    with pytest.raises(Refusal, match="Open the room once"):
        study.grant("pharmacist", by="statistician2")


def test_roles_grow_and_keys_follow(study: LitStudy) -> None:
    """A checker who becomes a pharmacist too is granted what is missing."""
    study.make_keys("checker")
    study.grant("checker")
    study.trial.do(
        "administrator",
        people_verbs.give_roles,
        study.trial.ids["checker"],
        study.study_id,
        frozenset({Role.CHECKER, Role.PHARMACIST}),
    )
    study.grant("checker")
    assert _held(study, "checker") == ("list", "record")
    assert study.open_room("checker").list_key is not None
