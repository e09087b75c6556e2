"""Another passphrase, and other keys when it was forgotten (H5, H6; K11, K14)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import BadForm, Refusal, WrongPassphrase, WrongPassword
from pharmacy.domain.roles import Permission
from pharmacy.persistence import audit, participants
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.unblinded import private_record, rekeying
from pharmacy.unblinded.holders import keys_of
from pharmacy.unblinded.tables import BreakShare, HolderKeys, LitSession
from pharmacy.unblinded.tables_keys import FormerKeys, PassphraseChange
from tests.support.builders import PASSWORD
from tests.support.lit_builders import PEPPER, LitStudy, open_study
from tests.unblinded.renewal_acts import change_passphrase, forget, held, opens_nothing, share_count


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Holders, an investigator who has tried their keys, and one participant with a place."""
    made = open_study(sqlite_url, enrolled=("M-002",))
    made.enrol_breaker()
    made.try_break_keys()
    return made


def _keys(study: LitStudy, who: str) -> HolderKeys:
    with study.trial.look(who) as act:
        found = keys_of(act, study.trial.ids[who])
        assert found is not None
        return found


def _rooms(study: LitStudy, who: str) -> list[str]:
    with study.trial.look(who) as act:
        query = sa.select(LitSession.session_id)
        return list(
            act.uow.session.scalars(query.where(LitSession.person_id == study.trial.ids[who]))
        )


def _participant(study: LitStudy) -> str:
    with study.trial.look("pharmacist") as act:
        return participants.of_study(act.uow.session, study.study_id)[0].id


def test_the_new_passphrase_opens_and_the_old_one_does_not(study: LitStudy) -> None:
    """H5: same keys, same six words, new salt, and pins that are still there."""
    study.room("pharmacist")
    before = _keys(study, "pharmacist")
    old = change_passphrase(study, "pharmacist")
    after = _keys(study, "pharmacist")
    assert private_record.six_words(after) == private_record.six_words(before)
    assert (after.salt, after.private_record) != (before.salt, before.private_record)
    assert study.open_room("pharmacist", "pharmacist").list_key, "no words are asked again"
    with pytest.raises(WrongPassphrase):
        study.trial.do("pharmacist", rekeying.begin_change, old, PEPPER)


def test_until_it_is_typed_back_the_old_one_counts(study: LitStudy) -> None:
    """And pins made in between are not lost: the record is sealed as it is at the end."""
    old = study.passphrases["pharmacist2"]
    words = study.trial.do("pharmacist2", rekeying.begin_change, old, PEPPER)
    study.room("pharmacist2")
    with pytest.raises(WrongPassphrase):
        study.trial.do("pharmacist2", rekeying.confirm_change, old, PEPPER, "here")
    study.trial.do("pharmacist2", rekeying.confirm_change, words, PEPPER, "here")
    study.trial.do("pharmacist2", rekeying.confirm_change, words, PEPPER, "here")
    study.passphrases["pharmacist2"] = words
    assert study.open_room("pharmacist2", "pharmacist2").list_key


def test_the_words_shown_last_are_the_ones(study: LitStudy) -> None:
    """Shown again, the first ones are void."""
    old = study.passphrases["pharmacist"]
    first = study.trial.do("pharmacist", rekeying.begin_change, old, PEPPER)
    last = study.trial.do("pharmacist", rekeying.begin_change, old, PEPPER)
    with pytest.raises(WrongPassphrase):
        study.trial.do("pharmacist", rekeying.confirm_change, first, PEPPER, "here")
    study.trial.do("pharmacist", rekeying.confirm_change, last, PEPPER, "here")
    with study.trial.look("pharmacist") as act:
        assert not rekeying.is_changing(act)
        assert act.uow.session.scalar(sa.select(sa.func.count()).select_from(PassphraseChange)) == 0


def test_rooms_in_other_browsers_lock(study: LitStudy) -> None:
    """K10: this browser's room stays open, and so do other people's."""
    room, theirs = study.room("pharmacist"), study.room("statistician")
    study.open_room("pharmacist")
    assert len(_rooms(study, "pharmacist")) == 2
    words = study.trial.do(
        "pharmacist", rekeying.begin_change, study.passphrases["pharmacist"], PEPPER
    )
    study.trial.do("pharmacist", rekeying.confirm_change, words, PEPPER, room.session_id)
    assert _rooms(study, "pharmacist") == [room.session_id]
    assert _rooms(study, "statistician") == [theirs.session_id]


def test_it_is_in_the_installations_trail(study: LitStudy) -> None:
    """E1: the keys are a person's, not a study's; no word of a passphrase is written down."""
    change_passphrase(study, "pharmacist")
    with study.trial.look("pharmacist") as act:
        entries = audit.entries(act.uow.session, INSTALLATION)[:2]
    assert [one.event for one in entries] == ["passphrase_changed", "passphrase_change_begun"]
    for word in study.passphrases["pharmacist"].split():
        assert not any(f" {word} ".encode() in one.body for one in entries)


def test_an_investigator_changes_theirs(study: LitStudy) -> None:
    old = study.passphrases["investigator"]
    permission = Permission.BREAK_CODE
    words = study.trial.do("investigator", rekeying.begin_change, old, PEPPER, permission)
    study.trial.do("investigator", rekeying.confirm_change, words, PEPPER, "here", permission)
    with pytest.raises(WrongPassphrase):
        study.break_code(_participant(study))
    study.passphrases["investigator"] = words
    assert study.break_code(_participant(study)).compared


def test_a_forgotten_passphrase_voids_everything_of_the_old_keys(study: LitStudy) -> None:
    """K1: wraps, rooms and a change under way; the public halves stay for what was signed."""
    study.room("pharmacist2")
    public = _keys(study, "pharmacist2").signing_public
    study.trial.do("pharmacist2", rekeying.begin_change, study.passphrases["pharmacist2"], PEPPER)
    old = study.passphrases["pharmacist2"]
    forget(study, "pharmacist2")
    assert held(study, "pharmacist2") == ()
    assert _rooms(study, "pharmacist2") == []
    assert opens_nothing(study, "pharmacist2")
    with study.trial.look("pharmacist") as act:
        former = act.uow.session.scalars(sa.select(FormerKeys)).one()
        assert former.signing_public == public
        assert act.uow.session.scalars(sa.select(PassphraseChange)).all() == []
    study.grant("pharmacist2", by="statistician")
    assert study.room("pharmacist2").list_key
    with pytest.raises(WrongPassphrase):
        study.trial.do("pharmacist2", rekeying.begin_change, old, PEPPER)


def test_it_is_written_in_every_study_that_loses_a_holder(study: LitStudy) -> None:
    """E1."""
    forget(study, "checker")
    assert rekeying.FORGOTTEN_EVENT in {entry.event for entry in study.trial.events()[:3]}


def test_what_they_granted_and_nobody_opened_is_granted_again(study: LitStudy) -> None:
    """The words that would be compared at the first opening are not those that signed it."""
    forget(study, "statistician")
    assert held(study, "checker") == (), "the checker was enrolled and has not been in"
    study.room("pharmacist", "pharmacist")
    study.grant("checker", by="pharmacist")
    assert study.room("checker", enrolled_by="pharmacist").record_key
    study.grant("statistician", by="pharmacist")
    assert study.room("statistician", enrolled_by="pharmacist").list_key


def test_a_code_breaks_after_the_granter_made_new_keys(study: LitStudy) -> None:
    """K9: nobody else's forgetfulness takes a code break away, tried before or not."""
    forget(study, "pharmacist")
    assert study.break_code(_participant(study)).compared


def test_an_investigator_who_forgot_is_enrolled_again(study: LitStudy) -> None:
    """Their shares are gone with the keys; the new ones are made after six words."""
    study.trial.do("investigator", rekeying.give_up_keys, PASSWORD, True, Permission.BREAK_CODE)
    assert share_count(study) == 0
    with pytest.raises(Refusal, match="nobody has enrolled you"):
        study.break_code(_participant(study), passphrase="a b c d e f")
    study.make_break_keys()
    study.enrol_breaker()
    study.try_break_keys()
    assert share_count(study) == 12
    assert study.break_code(_participant(study)).compared


def test_an_untried_enrolment_is_made_again(study: LitStudy) -> None:
    """Its granter made new keys before the investigator compared any words."""
    study.trial.do("investigator", rekeying.give_up_keys, PASSWORD, True, Permission.BREAK_CODE)
    study.make_break_keys()
    study.enrol_breaker()
    forget(study, "pharmacist")
    study.room("pharmacist2")
    study.enrol_breaker(by="pharmacist2")
    study.try_break_keys(granter="pharmacist2")
    assert study.break_code(_participant(study)).compared


def test_what_is_asked_before_keys_are_given_up(study: LitStudy) -> None:
    for password, read, error in ((PASSWORD, False, BadForm), ("wrong", True, WrongPassword)):
        with pytest.raises(error):
            study.trial.do("pharmacist", rekeying.give_up_keys, password, read)
    with pytest.raises(Refusal):
        study.trial.do("nurse", rekeying.give_up_keys, PASSWORD, True)
    assert held(study, "pharmacist") == ("list", "record")


def test_a_share_is_nobodys_after_its_owner_forgot(study: LitStudy) -> None:
    """Rows of former keys are gone, not left to be opened by an old backup's words."""
    study.trial.do("investigator", rekeying.give_up_keys, PASSWORD, True, Permission.BREAK_CODE)
    with study.trial.look("pharmacist") as act:
        assert act.uow.session.scalars(sa.select(BreakShare)).all() == []
