"""Who leaves: keys without a role are told, by name; sheets they had are made anew (H5, K1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharmacy.domain.errors import Refusal
from pharmacy.services import people as people_verbs
from pharmacy.services.accounts import KeysLeft
from pharmacy.unblinded import (
    break_shares,
    keys_left,
    recovery_custody,
    recovery_drill,
    recovery_reissue,
    revoking,
)
from tests.support.browser import signed_in
from tests.support.browsing import words
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study
from tests.support.world import build_app
from tests.unblinded.renewal_acts import SECRETS, asked, revoke


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Four holders and an investigator who can break a code; every sheet in its place."""
    made = open_study(sqlite_url)
    made.enrol_breaker()
    for name in ("A1", "B1", "A2", "B2"):
        who = "petra  novak" if name == "A1" else f"Custodian {name}"
        kept = (who, f"Building {name[1]}", f"S-{name}", True, PASSWORD)
        made.do("statistician", recovery_custody.record_place, name, *kept)
    return made


def _leaves(study: LitStudy, who: str) -> None:
    person_id = study.trial.ids[who]
    with study.trial.act("administrator") as act:
        people_verbs.leave(act, person_id, "Left the study team")


def _told(study: LitStudy) -> tuple[KeysLeft, ...]:
    with study.trial.look("administrator") as act:
        return keys_left.keys_left(act)


def _used(study: LitStudy) -> str:
    with study.trial.look("statistician") as act:
        return recovery_custody.recovery_facts(act).used


@pytest.mark.parametrize("who", ["pharmacist2", "checker", "investigator"])
def test_who_left_with_keys_is_told_until_they_are_taken_back(study: LitStudy, who: str) -> None:
    """The account's end takes no key; somebody who holds the list key does."""
    assert _told(study) == ()
    _leaves(study, who)
    (one,) = _told(study)
    assert one.person_id == study.trial.ids[who]
    assert one.study == "MIGHT (practice)"
    assert "Tom Lang" in one.ask
    assert "Sam Statham" in one.ask
    assert one.name not in one.ask
    revoke(study, who)
    assert _told(study) == ()


def test_who_changed_to_a_smaller_role_holds_too_much(study: LitStudy) -> None:
    """A pharmacist who only checks from now on needs no list key."""
    _give(study, "pharmacist2", "checker")
    assert [one.name for one in _told(study)] == ["Petra Novak"]
    _give(study, "pharmacist2", "checker", "pharmacist")
    assert _told(study) == ()


def _give(study: LitStudy, who: str, *roles: str) -> None:
    from pharmacy.domain.roles import Role

    person_id = study.trial.ids[who]
    with study.trial.act("administrator") as act:
        wanted = frozenset(Role(role) for role in roles)
        people_verbs.give_roles(act, person_id, study.study_id, wanted)


def test_nobody_but_the_administrator_is_told(study: LitStudy) -> None:
    with study.trial.look("coordinator") as act, pytest.raises(Refusal) as refused:
        keys_left.keys_left(act)
    assert refused.value.status == 403


def test_a_former_investigator_stands_on_the_page_and_is_enrolled_no_more(study: LitStudy) -> None:
    """Their halves can be taken back after the account has ended."""
    _leaves(study, "investigator")
    with study.trial.look("pharmacist") as act:
        (one,) = break_shares.investigators(act)
        assert (one.needed, one.status) == (False, "No role any more, and still holds halves")
        with pytest.raises(Refusal):
            break_shares.investigator(act, one.person.id)


def test_people_says_whom_to_ask(study: LitStudy, sqlite_url: str, tmp_path: Path) -> None:
    """On the list, on the person's own page, and before the account is ended."""
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    browser = signed_in(app, "administrator")
    person_id = study.trial.ids["pharmacist2"]
    assert "still holds" not in browser.get("/people").text
    assert "are not taken by this" in browser.get(f"/people/{person_id}/leave").text
    _leaves(study, "pharmacist2")
    for path in ("/people", f"/people/{person_id}"):
        said = words(browser.get(path).text)
        assert "Petra Novak has no role in MIGHT (practice) that needs keys any more" in said
        assert "Ask Tom Lang or Sam Statham to take them back" in said
    other = study.trial.ids["nurse"]
    assert "still holds" not in browser.get(f"/people/{other}").text


def test_whoever_kept_a_sheet_makes_new_ones_due(study: LitStudy) -> None:
    """Said before, and by the study until new sheets are made; another custodian is not enough."""
    with study.trial.look("pharmacist") as act:
        one = revoking.revocable(act, study.trial.ids["pharmacist2"])
        assert revoking.revocable(act, study.trial.ids["checker"]).recovery is None
    assert one.recovery is not None
    assert one.recovery.sentence == "They keep recovery sheet A1."
    assert _used(study) == ""
    revoke(study, "checker")
    assert _used(study) == ""
    revoke(study, "pharmacist2")
    assert "kept sheet A1. Make new sheets now." in _used(study)
    kept = ("Somebody Else", "Building 1", "S-NEW", True, PASSWORD)
    study.do("statistician", recovery_custody.record_place, "A1", *kept)
    assert "kept sheet A1" in _used(study)
    said = (study.passphrases["statistician"], SECRETS)
    study.trial.do("statistician", recovery_reissue.reissue, *said)
    assert _used(study) == ""


def test_whoever_drilled_has_seen_both_halves(study: LitStudy) -> None:
    """The drill itself makes new sheets due; who leaves then is told of as well."""
    assert study.recovery is not None
    both = study.recovery.words("A1", "B1")
    study.do("pharmacist", recovery_drill.drill, *both, PASSWORD)
    with study.trial.look("statistician") as act:
        one = revoking.revocable(act, study.trial.ids["pharmacist"])
    assert one.recovery is not None
    assert "both halves of a pair were opened" in one.recovery.sentence
    revoke(study, "pharmacist", by="statistician")
    assert "opened for a drill" in _used(study)


def test_the_page_says_it_before_and_leads_on(
    study: LitStudy, sqlite_url: str, tmp_path: Path
) -> None:
    """With the link before, to Recovery afterwards, and on the board until it is done."""
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    browser = study.lit_browser(app, "pharmacist")
    path = browser.lit(f"holders/{study.trial.ids['pharmacist2']}/revoke")
    shown = words(browser.get(path).text)
    assert "They keep recovery sheet A1. New recovery sheets are needed" in shown
    assert "The recovery sheets stay valid" not in shown
    checker = browser.get(browser.lit(f"holders/{study.trial.ids['checker']}/revoke"))
    assert "The recovery sheets stay valid" in words(checker.text)
    said = asked(study, "pharmacist", "left")
    done = browser.post(
        path, reason=said.reason, passphrase=said.passphrase, password=said.password
    )
    assert done.status_code == 303
    assert "done=sheets_needed&next=%2Flit%2F" in done.headers["Location"]
    assert "recovery" in done.headers["Location"]
    assert "kept sheet A1" in words(browser.get(browser.lit("board")).text)
