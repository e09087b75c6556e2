"""Two sheets of one pair give a newcomer the keys, and whom they believe then (H8, K12)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Role
from pharmacy.unblinded import (
    granting,
    holders,
    list_proof,
    load_certificate,
)
from pharmacy.unblinded.tables import HolderKeys, StudyKeys
from tests.architecture.trails import trail_faults
from tests.support.builders import add_person
from tests.support.lit_builders import PEPPER, LitStudy, open_study
from tests.unblinded.recovery_acts import (
    facts_of,
    newcomer,
    place_all,
    reissue,
    take_over,
)


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A study with a loaded list."""
    return open_study(sqlite_url)


@pytest.fixture
def on_both(database_url: str) -> Iterator[LitStudy]:
    """The same, on both databases."""
    made = open_study(database_url)
    yield made
    made.trial.engine.dispose()


@pytest.mark.parametrize("pair", ["1", "2"])
def test_two_halves_give_a_newcomer_the_keys(on_both: LitStudy, pair: str) -> None:
    """H8: every holder gone, two custodians give somebody else the study; it is written down."""
    study = on_both
    place_all(study)
    newcomer(study)
    take_over(study, pair=pair)
    room = study.open_room("newcomer", enrolled_by="newcomer")
    assert room.list_key == study.room("pharmacist").list_key
    assert "recovery_used" in [entry.event for entry in study.trial.events()]
    assert "gave somebody the keys" in facts_of(study).used
    study.rooms["newcomer"] = room
    reissue(study, "newcomer")
    assert facts_of(study).used == ""
    study.rooms.clear()
    for who in ("pharmacist", "checker", "statistician"):
        assert study.room(who), "those who are still there trust the recovery key's word"
    with study.trial.look("newcomer") as act:
        assert trail_faults(act.uow.session) == []
    study.trial.ids["later"] = add_person(study.trial, "later", "Lena Later", Role.CHECKER)
    study.make_keys("later")
    study.grant("later", by="newcomer")
    assert study.room("later", enrolled_by="newcomer"), "any holder enrols others"


def test_a_statistician_who_took_over_enrols_the_next(study: LitStudy) -> None:
    newcomer(study, role=Role.STATISTICIAN)
    take_over(study)
    study.open_room("newcomer", enrolled_by="newcomer")
    newcomer(study, "fresh", Role.CHECKER)
    study.grant("fresh", by="newcomer")
    assert study.open_room("fresh", enrolled_by="newcomer")


def test_who_may_not_take_over(study: LitStudy) -> None:
    newcomer(study)
    assert study.recovery is not None
    for said, kind in (
        ({"second": study.recovery.words("B2")[0]}, BadForm),
        ({"reason": "because"}, BadForm),
        ({"passphrase": "six wrong words of no use"}, Refusal),
        ({"password": "wrong"}, Refusal),
    ):
        with pytest.raises(kind):
            take_over(study, **said)
    with pytest.raises(Refusal, match="hold this study's keys already"):
        take_over(study, "pharmacist")
    with pytest.raises(Refusal):
        take_over(study, "checker")
    with study.trial.look("newcomer") as act:
        assert granting.granted(act, study.trial.ids["newcomer"]) == ()


def test_a_swapped_study_is_not_taken_over(study: LitStudy) -> None:
    """Somebody who can write the database wraps keys of their own to the recovery key (K12)."""
    newcomer(study)
    with study.trial.act("administrator") as act:
        other = act.uow.session.get_one(HolderKeys, study.trial.ids["checker"])
        founder = act.uow.session.get_one(HolderKeys, study.trial.ids["statistician"])
        founder.signing_public = other.signing_public
        made = act.uow.session.get_one(StudyKeys, (study.study_id, 1))
        made.inbox_public = other.exchange_public
        act.record("tampered", "study")
    with pytest.raises(Refusal, match="not the ones"):
        take_over(study)


def test_when_the_founder_has_other_keys_the_newcomer_stands_for_them(study: LitStudy) -> None:
    """The pepper is lost, everybody made new keys: the recovery key has signed the study's own."""
    newcomer(study, role=Role.STATISTICIAN)
    with study.trial.act("statistician") as act:
        act.uow.session.get_one(HolderKeys, act.person.id).confirmed = False
        act.record("lost", "passphrase")
    study.trial.do("statistician", holders.make, PEPPER)
    take_over(study)
    assert study.open_room("newcomer", enrolled_by="newcomer").list_key
    newcomer(study, "fresh", Role.PHARMACIST)
    study.grant("fresh", by="newcomer")
    assert study.open_room("fresh", enrolled_by="newcomer").list_key
    with study.trial.look("newcomer") as act:
        shown = list_proof.read(load_certificate.certificate_file(act))
    assert shown.is_full, "whoever stands for the list signs all of its certificate"
    assert list_proof.is_signed(shown)
    assert list_proof.six_words(shown) == study.six_words("newcomer")
