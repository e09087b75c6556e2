"""The drill of a code break: the same way, nobody's code, and no release before it (J1, K9)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.errors import BadForm, Refusal, WrongPassphrase
from pharmacy.domain.roles import Role
from pharmacy.persistence import marks
from pharmacy.persistence.notices import Notice
from pharmacy.unblinded import break_shares, drill_envelopes, holders, private_record
from pharmacy.unblinded.code_break import drill
from pharmacy.unblinded.code_break.breaking import Asked
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.tables import DrillEnvelope, InboxRecord
from pharmacy.unblinded.warrants import BreakWarrant
from tests.support.browsing import words
from tests.support.builders import add_person
from tests.support.lit_builders import BREAK_KEY, PEPPER, LitStudy, open_study
from tests.support.world import build_app

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1"


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """One participant with a place, and an enrolled investigator."""
    made = open_study(sqlite_url, enrolled=("M-002",))
    made.enrol_breaker()
    return made


def events(study: LitStudy) -> list[str]:
    return [entry.event for entry in reversed(study.trial.events())]


def facts(study: LitStudy) -> drill.DrillFacts:
    with study.trial.look("pharmacist") as act:
        return drill.drill_facts(act)


def rows(study: LitStudy, table: type) -> int:
    with study.trial.look("investigator") as act:
        return int(act.uow.session.scalar(sa.select(sa.func.count()).select_from(table)))


def test_the_drill_is_recorded_before_and_after_and_touches_nobody(study: LitStudy) -> None:
    """security.md 3.8: the way is exercised; no mark, no notice, nothing for the pharmacy's box."""
    before = len(events(study))
    done = study.drill()
    assert (done.name, done.place, done.device) == ("Ana Rivera", "outside", "phone")
    assert events(study)[before:] == ["code_break_drill_opened", "code_break_drill_passed"]
    assert [rows(study, table) for table in (marks.LearnedArm, Notice, InboxRecord)] == [0, 0, 0]
    (passed,) = [entry for entry in study.trial.events() if entry.event == drill.PASSED]
    assert json.loads(passed.body)["subject"] == "drill"


def test_the_facts_name_who_passed_and_when_from_a_phone_outside(study: LitStudy) -> None:
    """What go-live reads, without any key."""
    assert facts(study) == drill.DrillFacts((), None)
    study.drill(place="inside", device="computer")
    own = study.trial.ids["investigator"]
    assert facts(study) == drill.DrillFacts((own,), None)
    for place, device in (("outside", "computer"), ("inside", "phone")):
        study.drill(place=place, device=device)
        assert facts(study).passed_from_phone_outside_at is None
    study.trial.clock.move(minutes=3)
    study.drill()
    assert facts(study).passed_from_phone_outside_at == study.trial.clock()


def test_the_same_form_twice_is_one_drill(study: LitStudy) -> None:
    for _ in range(2):
        study.drill(form="the-very-same-form")
    assert events(study).count(drill.PASSED) == 1
    assert events(study).count("code_break_drill_opened") == 1


def test_wrong_words_and_missing_shares_pass_nothing(study: LitStudy) -> None:
    with pytest.raises(WrongPassphrase):
        study.drill(passphrase="not these six words at all")
    with pytest.raises(BadForm, match="where you are"):
        study.drill(place="nowhere")
    study.trial.ids["second"] = add_person(study.trial, "second", "Ben Ortiz", Role.INVESTIGATOR)
    with pytest.raises(Refusal, match="no drill for you"):
        study.drill("second", passphrase="a b c d e f")
    with study.trial.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM lit_break_share WHERE number = 7"))
    with pytest.raises(Refusal, match="on-call pharmacist"):
        study.drill()
    assert drill.PASSED not in events(study)


@pytest.mark.parametrize("column", ["content", "wrapped_half", "kept_half", "signature"])
def test_a_flipped_bit_of_the_drill_is_the_breaks_own_sentence(
    study: LitStudy, column: str
) -> None:
    with study.trial.look("investigator") as act:
        row = drill_envelopes.drill_of(act, act.person.id)
        assert row is not None
        flipped = bytearray(getattr(row, column))
    flipped[40] ^= 1
    with study.trial.engine.begin() as connection:
        connection.execute(
            sa.text(f"UPDATE lit_drill SET {column} = :flipped"), {"flipped": bytes(flipped)}
        )
    with pytest.raises(Refusal, match=r"^Your keys do not open"):
        study.drill()
    assert drill.PASSED not in events(study)


def test_without_a_list_nobody_drills(sqlite_url: str) -> None:
    made = open_study(sqlite_url, loaded=False)
    made.enrol_breaker()
    with pytest.raises(Refusal, match="list is not loaded"):
        made.drill()
    made.load()
    assert made.drill().name == "Ana Rivera"


def test_a_drill_is_opened_for_a_committed_entry_of_a_drill_alone(study: LitStudy) -> None:
    """Wall 4's rule, kept for the drill too: an entry that is not there opens nothing."""
    with study.trial.look("investigator") as act:
        row, keys = drill_envelopes.drill_of(act, act.person.id), holders.own_keys(act)
        granter = holders.keys_of(act, study.trial.ids["pharmacist"])
        assert row is not None
        assert granter is not None
        unlocked = private_record.unlock(
            keys, study.passphrases["investigator"], act.surroundings.deriver, PEPPER
        )
        private = unlocked.record.exchange_private
        both = break_shares.open_halves(row, keys, private, [granter], BREAK_KEY)
        forged = BreakWarrant(study.study_id, 1, act.person.id, "drill", "treatment", "x" * 16)
        for seq in (1, 10_000):
            with pytest.raises(CannotOpen):
                drill.open_drill(act, row, both, BreakWarrant(**{**forged.__dict__, "seq": seq}))


def test_an_investigator_enrolled_without_a_drill_is_given_one(study: LitStudy) -> None:
    """Somebody enrolled by an older version: no words are compared again, the signature is."""
    with study.trial.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM lit_drill"))
    with pytest.raises(Refusal, match="Ask a pharmacist"):
        study.drill()
    given = study.trial.ids["investigator"], study.passphrases["pharmacist"], PEPPER, BREAK_KEY
    for _ in range(2):
        study.do("pharmacist", break_shares.give_drill, *given)
    assert rows(study, DrillEnvelope) == 1
    assert study.drill().name == "Ana Rivera"


@pytest.mark.parametrize(
    ("user_agent", "kind"),
    [
        (PHONE, "phone"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) Mobile Safari/537.36", "phone"),
        ("Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) Mobile/15E148", "tablet"),
        ("Mozilla/5.0 (Linux; Android 15; SM-X910) Safari/537.36", "tablet"),
        ("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "computer"),
        ("curl/8", "unknown"),
        ("", "unknown"),
    ],
)
def test_only_the_kind_of_device_is_kept(user_agent: str, kind: str) -> None:
    assert drill.device_class(user_agent) == kind


def test_the_way_on_the_screen(study: LitStudy, sqlite_url: str, tmp_path: Path) -> None:
    """From the break's first page to the answer, with what is refused on the way."""
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    browser, path = study.browser(app, "investigator"), f"/break/{study.study_id}/drill"
    assert f'href="{path}"' in browser.get(f"/break/{study.study_id}").text
    said = {"reason": "treatment", "place": "outside"}
    right = {**said, "passphrase": study.passphrases["investigator"]}
    assert browser.post(path, **said, passphrase="").status_code == 400
    assert browser.post(path, **said, passphrase="not these").status_code == 403
    assert browser.post(path, **{**right, "place": ""}).status_code == 400
    answer = browser.post(path, **right)
    assert "This is the drill: no participant." in words(answer.text)
    assert not any(arm in answer.text for arm in ("immune globulin", "sodium chloride"))
    assert "You passed it last on" in words(browser.get(path).text)
    page = study.lit_browser(app, "pharmacist").get(f"/lit/{study.study_id}/investigators").text
    assert "unknown device, outside" in words(page)


def _secrets() -> ServerSecrets:
    return ServerSecrets(PEPPER, BREAK_KEY)


def test_a_nurse_has_no_drill(study: LitStudy) -> None:
    asked = Asked("drill", "treatment", "", "x", "form-of-a-nurse-1", "192.0.2.7")
    with study.trial.act("nurse") as act, pytest.raises(Refusal) as refused:
        drill.run(act, asked, "outside", "phone", _secrets())
    assert refused.value.status == 403
