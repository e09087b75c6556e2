"""Taking keys back: the person opens nothing more, and everybody else everything (K1, K11, H5)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Role
from pharmacy.persistence import participants
from pharmacy.unblinded import granting, revoking, trail
from pharmacy.unblinded.holders import unlock_own
from pharmacy.unblinded.tables import BagRecord, HolderKeys, KeyWrap
from tests.support.builders import add_person
from tests.support.lit_builders import PEPPER, LitStudy, open_study
from tests.unblinded.renewal_acts import (
    HOLDERS,
    all_rooms,
    forget,
    held,
    opens_nothing,
    revoke,
    rotate,
    share_count,
    what_opens,
)


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Four holders who have all opened the room, one investigator, one planned course."""
    made = open_study(sqlite_url)
    made.enrol_breaker()
    made.try_break_keys()
    made.planned("M-002")
    all_rooms(made)
    return made


def _bag(study: LitStudy) -> str:
    with study.trial.look("pharmacist") as act:
        return str(act.uow.session.scalars(sa.select(BagRecord.bag_id)).first())


def _participant(study: LitStudy) -> str:
    with study.trial.look("pharmacist") as act:
        return participants.of_study(act.uow.session, study.study_id)[0].id


@pytest.mark.parametrize("whom", ["pharmacist2", "checker", "statistician"])
def test_a_revoked_holder_opens_nothing_and_the_others_everything(
    study: LitStudy, whom: str
) -> None:
    """K1, K11, H5. The statistician is founder and loader: what they signed still counts."""
    others = [who for who in HOLDERS if who != whom]
    before = {who: what_opens(study, who, _bag(study)) for who in others}
    revoke(study, whom)
    assert held(study, whom) == ()
    assert opens_nothing(study, whom)
    assert {who: what_opens(study, who, _bag(study)) for who in others} == before
    assert study.break_code(_participant(study)).compared


def test_a_revoked_holders_former_keys_open_nothing_at_rest(study: LitStudy) -> None:
    """K1: with their private key and both keys of before, nothing in the database opens."""
    room = study.room("pharmacist2")
    revoke(study, "pharmacist2")
    with study.trial.act("pharmacist2") as act:
        keys, unlocked = unlock_own(act, study.passphrases["pharmacist2"], PEPPER)
        rows = act.uow.session.scalars(sa.select(KeyWrap)).all()
        for row in rows:
            with pytest.raises(Exception, match="cannot be opened"):
                granting.opened_wraps([row], keys, unlocked.record.exchange_private)
        with pytest.raises(Refusal):
            trail.entries(act, room.record_key)


def test_a_newcomer_after_the_founder_has_gone(study: LitStudy) -> None:
    """Trust leads to the maker of the version in force; nobody asks for the founder's words."""
    revoke(study, "statistician", by="pharmacist2")
    add = add_person(study.trial, "pharmacist3", "Paul Third", Role.PHARMACIST)
    study.trial.ids["pharmacist3"] = add
    study.make_keys("pharmacist3")
    study.room("pharmacist")
    study.grant("pharmacist3", by="pharmacist")
    assert study.room("pharmacist3", enrolled_by="pharmacist").list_key
    revoke(study, "pharmacist", by="pharmacist3")
    assert what_opens(study, "pharmacist2", _bag(study))
    assert study.break_code(_participant(study)).compared


def test_a_revoked_holder_is_believed_no_more(study: LitStudy) -> None:
    """What they sign now counts for nobody who has opened the room since (H5)."""
    revoke(study, "pharmacist2")
    all_others = ("pharmacist", "statistician", "checker")
    for who in all_others:
        study.room(who)
        with study.trial.act(who) as act:
            _, unlocked = unlock_own(act, study.passphrases[who], PEPPER)
        pinned = unlocked.record.pins[study.study_id]
        assert study.trial.ids["pharmacist2"] not in pinned.holders
        assert pinned.former == {}


def test_a_revoked_investigator_breaks_no_code(study: LitStudy) -> None:
    """Shares, enrolment and all; another investigator goes on (K1, K8)."""
    study.trial.ids["investigator2"] = add_person(
        study.trial, "investigator2", "Ian Second", Role.INVESTIGATOR
    )
    study.enrol_breaker("investigator2")
    study.try_break_keys("investigator2")
    revoke(study, "investigator")
    assert share_count(study, "investigator") == 0
    assert share_count(study, "investigator2") == 12
    with pytest.raises(Refusal, match="nobody has enrolled you"):
        study.break_code(_participant(study))
    assert study.break_code(_participant(study), "investigator2").compared


def test_the_last_pharmacist_stays(study: LitStudy) -> None:
    """Without one nobody could prepare; with one left there is a warning, and nobody is refused."""
    with study.trial.look("statistician") as act:
        one = revoking.revocable(act, study.trial.ids["pharmacist2"])
        assert one.warning == revoking.ONE_LEFT
        assert revoking.revocable(act, study.trial.ids["checker"]).warning == ""
    revoke(study, "pharmacist2", by="statistician")
    with pytest.raises(Refusal, match="last pharmacist"):
        revoke(study, "pharmacist", by="statistician")


def test_nobody_revokes_themselves_or_somebody_without_keys(study: LitStudy) -> None:
    with pytest.raises(Refusal, match="Somebody else"):
        revoke(study, "pharmacist", by="pharmacist")
    with pytest.raises(Refusal) as refused:
        revoke(study, "nurse")
    assert refused.value.status == 404


def test_it_is_on_both_trails(study: LitStudy) -> None:
    """E1: whose keys, by whom and why, in the open; what they held in the sealed one."""
    revoke(study, "checker")
    events = {entry.event: entry for entry in study.trial.events()[:2]}
    assert set(events) == {"study_keys_rotated", "keys_revoked"}
    room = study.room("pharmacist")
    with study.trial.look("pharmacist") as act:
        newest = trail.entries(act, room.record_key)[-2:]
    assert newest[1]["held"] == "the record key"


# Grants by any holder.


def test_a_pharmacist_enrols_and_the_newcomers_trust_leads_on(study: LitStudy) -> None:
    """G22, K13: the newcomer compares one person's words; pins lead to founder and loader."""
    study.trial.ids["pharmacist3"] = add_person(
        study.trial, "pharmacist3", "Paul Third", Role.PHARMACIST
    )
    study.make_keys("pharmacist3")
    study.grant("pharmacist3", by="pharmacist2")
    with pytest.raises(BadForm):
        study.open_room("pharmacist3", enrolled_by="statistician")
    assert study.room("pharmacist3", enrolled_by="pharmacist2").list_key
    with study.trial.act("pharmacist3") as act:
        _, unlocked = unlock_own(act, study.passphrases["pharmacist3"], PEPPER)
    pinned = unlocked.record.pins[study.study_id]
    assert study.trial.ids["statistician"] in pinned.holders
    assert what_opens(study, "pharmacist3", _bag(study))
    rotate(study, "pharmacist3")
    assert what_opens(study, "pharmacist", _bag(study)), "a vouch leads to whoever renewed"
    assert study.break_code(_participant(study)).compared


def test_a_checker_gives_the_record_key_and_no_other(study: LitStudy) -> None:
    """Nobody gives what they do not hold."""
    for name, role in (("checker2", Role.CHECKER), ("pharmacist3", Role.PHARMACIST)):
        study.trial.ids[name] = add_person(study.trial, name, f"{name} Third", role)
        study.make_keys(name)
    study.grant("checker2", by="checker")
    assert held(study, "checker2") == ("record",)
    assert study.room("checker2", enrolled_by="checker").list_key is None
    with pytest.raises(Refusal, match="list key") as refused:
        study.grant("pharmacist3", by="checker")
    assert refused.value.status == 403
    assert held(study, "pharmacist3") == ()


def test_nobody_enrols_themselves(study: LitStudy) -> None:
    with pytest.raises(Refusal, match="themselves"):
        study.grant("pharmacist", by="pharmacist")


def test_a_substituted_public_key_gets_no_wrap(study: LitStudy) -> None:
    """K13: the words on the newcomer's own screen are not those of the row that was exchanged."""
    study.trial.ids["pharmacist3"] = add_person(
        study.trial, "pharmacist3", "Paul Third", Role.PHARMACIST
    )
    study.make_keys("pharmacist3")
    words = study.six_words("pharmacist3")
    with study.trial.act("administrator") as act:
        row = act.uow.session.get_one(HolderKeys, study.trial.ids["pharmacist3"])
        theirs = act.uow.session.get_one(HolderKeys, study.trial.ids["checker"])
        row.exchange_public = theirs.exchange_public
        act.record("tampered", "study")
    with pytest.raises(BadForm):
        study.trial.do(
            "pharmacist",
            granting.grant,
            study.trial.ids["pharmacist3"],
            words,
            study.passphrases["pharmacist"],
            PEPPER,
        )
    assert held(study, "pharmacist3") == ()


def test_a_planted_wrap_without_comparison_would_be_there(
    study: LitStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K13's control: with a comparison that always agrees, the exchanged key gets its wrap."""
    study.trial.ids["pharmacist3"] = add_person(
        study.trial, "pharmacist3", "Paul Third", Role.PHARMACIST
    )
    study.make_keys("pharmacist3")
    monkeypatch.setattr(granting, "folded", lambda _words: "the same")
    study.trial.do(
        "pharmacist",
        granting.grant,
        study.trial.ids["pharmacist3"],
        "anything at all",
        study.passphrases["pharmacist"],
        PEPPER,
    )
    assert held(study, "pharmacist3") == ("list", "record")


def test_a_forgetful_holder_is_vouched_for_anew(study: LitStudy) -> None:
    """The others move on to the new fingerprint by a vouch of somebody they believe."""
    forget(study, "pharmacist")
    assert what_opens(study, "pharmacist2", _bag(study)), "nobody else is troubled meanwhile"
    study.room("pharmacist2")
    study.grant("pharmacist", by="pharmacist2")
    assert study.room("pharmacist", enrolled_by="pharmacist2").list_key
    rotate(study, "pharmacist")
    assert what_opens(study, "statistician", _bag(study))
    assert study.break_code(_participant(study)).compared
