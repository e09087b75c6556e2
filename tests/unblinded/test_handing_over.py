"""Two people at one bench: the room and the session change hands, and nothing readable moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Role
from pharmacy.persistence import authenticators
from pharmacy.persistence.sign_ins import SignInSession
from pharmacy.services import people
from pharmacy.unblinded import bench, second_person
from pharmacy.unblinded.bench import Source
from tests.support import authenticator
from tests.support.builders import PASSWORD, add_person
from tests.support.lit_builders import Browser, LitStudy, open_study
from tests.support.world import build_app
from tests.unblinded.bench_acts import IVIG_FIRST, AtBench, a_bag, in_the_clear


@pytest.fixture
def study(sqlite_url) -> LitStudy:
    return open_study(sqlite_url, arms=IVIG_FIRST)


@pytest.fixture
def at(study) -> AtBench:
    at = a_bag(study)
    study.trial.clock.at = at.run_at
    study.trial.clock.move(minutes=-2)
    return at


@pytest.fixture
def first(at, study, sqlite_url, tmp_path) -> Browser:
    """The preparer's browser, the bag prepared and signed."""
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    at.prepared()
    return study.lit_browser(app, "pharmacist")


def _path(browser: Browser, at: AtBench, page: str = "") -> str:
    return browser.lit(f"bags/{at.bag_id}{page}")


def _said(study: LitStudy, who: str, **changed: str) -> dict[str, str]:
    said = {
        "user_name": f"{who}.test",
        "second_password": PASSWORD,
        "passphrase": study.passphrases.get(who, "none"),
        "granter_words": study.six_words("statistician"),
    }
    return {**said, **changed}


def _hand_over(browser: Browser, at: AtBench) -> None:
    answer = browser.post(_path(browser, at, "/hand-over"))
    assert answer.status_code == 303
    assert answer.location.endswith("/check-in")


def _check_in(browser: Browser, at: AtBench, study: LitStudy, who: str, **changed: str):
    answer = browser.post(_path(browser, at, "/check-in"), **_said(study, who, **changed))
    if answer.status_code == 303:
        browser._token = _token(browser.get(answer.location).text)
    return answer


def _token(page: str) -> str:
    return page.split('name="csrf_token" value="')[1].split('"')[0]


def test_the_second_person_continues_at_the_same_bag_without_the_first_figures(first, at, study):
    """D4: the checker is signed in as themselves and does not see what the first one entered."""
    _hand_over(first, at)
    answer = _check_in(first, at, study, "checker")
    page = first.get(answer.location).text

    assert answer.location.endswith(f"/bags/{at.bag_id}")
    assert "Rose Okafor" in page
    assert "Check, by yourself" in page
    assert "K230A7711" not in page


def test_the_second_person_signs_as_themselves(first, at, study):
    _hand_over(first, at)
    _check_in(first, at, study, "checker")
    for scanned in at.scans():
        assert first.post(_path(first, at, "/sources"), scanned=scanned).status_code == 303
    signed = first.post(_path(first, at, "/checked"), inspected="y", password=PASSWORD)

    assert signed.status_code == 303
    assert at.record().second.signed.name == "Rose Okafor"
    assert at.record().history[-1]["who"] == "Rose Okafor"


def test_handing_over_locks_the_first_persons_room(first, at):
    _hand_over(first, at)
    locked = first.get(_path(first, at))

    assert locked.status_code == 303
    assert "/open" in locked.location
    assert "Room locked" in first.get(_path(first, at, "/check-in")).text


def test_the_first_person_may_open_the_room_again(first, at, study):
    _hand_over(first, at)

    assert first.open_room().status_code == 303
    assert first.get(_path(first, at)).status_code == 200


def test_a_long_preparation_does_not_end_the_session_between_two_people(first, at, study):
    """The plaintext idle clock stood still in the lit room; it must not fall between two people."""
    for _ in range(3):
        study.trial.clock.move(minutes=14)
        assert first.get(_path(first, at)).status_code == 200
    _hand_over(first, at)

    assert first.get(_path(first, at, "/check-in")).status_code == 200
    assert _check_in(first, at, study, "checker").status_code == 303


def test_a_hand_over_that_nobody_takes_lapses(first, at, study):
    _hand_over(first, at)
    study.trial.clock.move(minutes=16)
    answer = first.get(_path(first, at, "/check-in"))

    assert answer.status_code == 303
    assert answer.location.endswith("/sign-in")


def test_no_row_is_added_and_no_plaintext_time_moves(first, at, study):
    """B10: at rest nothing tells when the first person was done."""
    study.room("checker")
    _hand_over(first, at)
    _check_in(first, at, study, "checker")
    _hand_over_again(first, at, study)
    before = in_the_clear(study)
    study.trial.clock.move(minutes=3)
    _hand_over(first, at)
    study.trial.clock.move(minutes=3)
    _check_in(first, at, study, "checker")
    after = in_the_clear(study)

    changed = {name for name in after if after[name] != before[name]}
    clocks = ("started_at", "seen_at", "ended_at")
    assert changed <= {"sign_in_session", "lit_session"}
    assert {name: len(rows) for name, rows in after.items()} == {
        name: len(rows) for name, rows in before.items()
    }
    assert [[row[name] for name in clocks] for row in after["sign_in_session"]] == [
        [row[name] for name in clocks] for row in before["sign_in_session"]
    ]


def _hand_over_again(browser: Browser, at: AtBench, study: LitStudy) -> None:
    """Settle the check by the services and give the browser back to the pharmacist."""
    for scanned in at.scans():
        at.do("checker", bench.add_source, Source(scanned=scanned))
    at.do("checker", bench.sign_checked, True, PASSWORD)
    _hand_over(browser, at)
    assert _check_in(browser, at, study, "pharmacist").status_code == 303
    at.do("pharmacist", bench.start_over, "to check once more")
    at.apply_inner()
    at.draw("pharmacist")
    at.do("pharmacist", bench.sign_prepared, True, PASSWORD)


def test_a_first_opening_at_the_hand_over_tells_nobody_when(first, at, study):
    """B10: no blinded book learns when the preparation ended, or that somebody came for it."""
    before = study.trial.events()
    _hand_over(first, at)
    study.trial.clock.move(minutes=7, seconds=11)
    assert _check_in(first, at, study, "checker").status_code == 303

    assert len(study.trial.events()) == len(before)
    assert study.trial.clock().isoformat(" ")[:19] not in _times(in_the_clear(study))


def _times(found: dict[str, list[dict[str, object]]]) -> set[str]:
    values = [value for rows in found.values() for row in rows for value in row.values()]
    return {value.isoformat(" ")[:19] for value in values if isinstance(value, datetime)}


def test_a_first_opening_needs_the_granters_words(first, at, study):
    _hand_over(first, at)
    answer = _check_in(first, at, study, "checker", granter_words="one two three four five six")

    assert answer.status_code == 400
    assert "not the six words" in answer.text


def test_the_same_person_again_is_refused(first, at, study):
    _hand_over(first, at)
    answer = _check_in(first, at, study, "pharmacist")

    assert answer.status_code == 403
    assert "same person" in answer.text


@pytest.mark.parametrize("who", ["nurse", "coordinator", "statistician", "administrator"])
def test_who_does_not_work_at_the_bench_is_refused(first, at, study, who):
    _hand_over(first, at)
    name = {"administrator": "admin.test"}.get(who, f"{who}.test")
    answer = _check_in(first, at, study, who, user_name=name)

    assert answer.status_code == 403
    assert "does not work at the bench" in answer.text


def test_who_may_not_do_the_next_step_is_refused(first, at, study):
    _hand_over(first, at)
    answer = _check_in(first, at, study, "pharmacist2")

    assert answer.status_code == 403
    assert "may not do the next step" in answer.text
    assert "Tom Lang" in first.get(_path(first, at, "/check-in")).text


def test_wrong_secrets_take_nothing_over_and_are_throttled(first, at, study):
    """G6: five free tries, then each waits; the same sentence for an unknown name."""
    _hand_over(first, at)
    wrong = [_check_in(first, at, study, "checker", second_password="no") for _ in range(6)]
    unknown = _check_in(first, at, study, "checker", user_name="nobody.test")

    assert [answer.status_code for answer in wrong] == [400] * 5 + [409]
    assert "do not match" in wrong[0].text
    assert "Too many tries" in wrong[5].text
    assert "do not match" in unknown.text
    assert "Tom Lang" in first.get(_path(first, at, "/check-in")).text


def test_a_wrong_passphrase_counts_against_the_second_person(first, at, study):
    _hand_over(first, at)
    answer = _check_in(first, at, study, "checker", passphrase="six words that are not it")
    entries = in_the_clear(study)["audit_entry"]
    refused = [row for row in entries if row["event"] == "signature_refused"]

    assert answer.status_code == 400
    assert "not the passphrase" in answer.text
    assert [row["person_id"] for row in refused] == [study.trial.ids["checker"]]


def test_nobody_checks_in_where_nothing_is_handed_over(first, at, study):
    answer = _check_in(first, at, study, "checker")

    assert answer.status_code == 409
    assert "Nobody is handing this bag over" in answer.text


def test_a_hand_over_is_of_one_bag(first, at, study):
    other = AtBench(study, study.bags(study.planned("M-009"))[0].id)
    _hand_over(first, at)

    assert _check_in(first, other, study, "checker").status_code == 409


def test_a_person_who_left_does_not_take_over(first, at, study):
    study.trial.do("administrator", people.leave, study.trial.ids["checker"])
    _hand_over(first, at)

    assert "do not match" in _check_in(first, at, study, "checker").text


def test_the_old_cookies_open_nothing_any_more(first, at, study):
    jar = {name: first.client.get_cookie(name, "127.0.0.1", path) for name, path in _COOKIES}
    stolen = {name: cookie.value for name, cookie in jar.items()}
    _hand_over(first, at)
    _check_in(first, at, study, "checker")
    for name, path in _COOKIES:
        first.client.set_cookie(name, stolen[name], domain="127.0.0.1", path=path)
    answer = first.get(_path(first, at))

    assert answer.status_code == 303
    assert answer.location.endswith("/sign-in")


_COOKIES = (("twinbag", "/"), ("twinbag-lit", "/lit"))


def test_a_checker_at_their_own_workstation_needs_no_hand_over(at, study, sqlite_url, tmp_path):
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    at.prepared()
    browser = study.lit_browser(app, "checker")
    for scanned in at.scans():
        browser.post(_path(browser, at, "/sources"), scanned=scanned)
    signed = browser.post(_path(browser, at, "/checked"), inspected="y", password=PASSWORD)

    assert signed.status_code == 303
    assert at.record().second.signed.name == "Rose Okafor"


def test_a_checker_without_keys_is_told_so(first, at, study):
    study.trial.ids["checker2"] = add_person(study.trial, "checker2", "Cy Checker", Role.CHECKER)
    _hand_over(first, at)
    answer = _check_in(first, at, study, "checker2")

    assert answer.status_code == 409
    assert "no keys yet" in answer.text


def test_checking_in_asks_for_the_second_factor(first, at, study):
    """G7: a check-in is a sign-in: no code, a wrong or a recovery code takes nothing over."""
    phone, codes = authenticator.set_up(study.trial, "checker")
    _hand_over(first, at)
    used = phone.code(-1)
    for code in ("", f"{(int(phone.code()) + 1) % 1_000_000:06d}", codes[0]):
        refused = _check_in(first, at, study, "checker", one_time_code=code)
        assert (refused.status_code, "do not match" in refused.text) == (400, True)
    assert "Tom Lang" in first.get(_path(first, at, "/check-in")).text
    study.trial.clock.move(minutes=1)
    assert _check_in(first, at, study, "checker", one_time_code=used).status_code == 400
    taken = _check_in(first, at, study, "checker", one_time_code=phone.code())
    assert taken.status_code == 303
    assert "Rose Okafor" in first.get(taken.location).text


def test_a_code_of_the_bench_does_not_open_the_door_again(first, at, study):
    """ASVS 6.5.1: one code, one acceptance, wherever it is typed."""
    phone, _ = authenticator.set_up(study.trial, "checker")
    _hand_over(first, at)
    assert _check_in(first, at, study, "checker", one_time_code=phone.code()).status_code == 303
    typed = {"user_name": "checker.test", "password": PASSWORD, "one_time_code": phone.code()}
    again = first.client.post("/sign-in", data=typed, base_url="http://127.0.0.1:8000")
    assert again.status_code == 400


def test_a_code_at_the_bench_moves_nothing_that_can_be_read(first, at, study):
    """B6: neither row nor clock in the clear says when the second person came, or by what."""
    phone, _ = authenticator.set_up(study.trial, "checker")
    _hand_over(first, at)
    before, sealed = in_the_clear(study), _last_step(study)
    assert _check_in(first, at, study, "checker", one_time_code=phone.code()).status_code == 303
    after = in_the_clear(study)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"sign_in_session", "lit_session", "lit_key_wrap", *_SEALED_TRAIL}
    assert "authenticator_use" in before
    assert _last_step(study) != sealed
    moments = [[row["started_at"], row["seen_at"]] for row in after["sign_in_session"]]
    assert moments == [[row["started_at"], row["seen_at"]] for row in before["sign_in_session"]]


def test_where_everybody_needs_one_a_person_without_is_told_where_to_set_it_up(study):
    """G7: the bench is no way around setting one up; a signature asks for none."""
    with study.trial.act("pharmacist") as act:
        demanding = replace(act.surroundings, demands_second_factor=True)
        here = replace(act, surroundings=demanding)
        with pytest.raises(Refusal, match="no authenticator yet"):
            second_person.check_in(
                here, SignInSession(), "checker.test", PASSWORD, "192.0.2.1", code="123456"
            )
        signs = second_person.sign(here, "checker.test", PASSWORD, "192.0.2.1")
        assert signs.id == study.trial.ids["checker"]


_SEALED_TRAIL = ("lit_audit_head", "lit_audit_entry")


def _last_step(study: LitStudy) -> bytes | None:
    with study.trial.units.reading() as uow:
        return authenticators.last_step(uow.session, study.trial.ids["checker"])
