"""At the bench: what is refused and how it is said, who may do what, one entry per stage."""

from __future__ import annotations

import re

import pytest

from pharmacy.domain.bag_code import Piece
from pharmacy.domain.errors import BadForm, Refusal, WrongPassword
from pharmacy.domain.roles import Role
from pharmacy.services import people
from pharmacy.unblinded import bench
from pharmacy.unblinded.bag_record import Stage
from pharmacy.unblinded.bench import Source
from pharmacy.unblinded.products import Container, Products
from pharmacy.unblinded.study_files import products_of
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study
from tests.support.world import build_app
from tests.unblinded.bench_acts import (
    IVIG_10G,
    IVIG_30G,
    IVIG_FIRST,
    SALINE,
    STAGES,
    AtBench,
    a_bag,
    in_the_clear,
    scan,
)


@pytest.fixture
def study(sqlite_url) -> LitStudy:
    return open_study(sqlite_url, arms=IVIG_FIRST)


@pytest.fixture
def at(study) -> AtBench:
    """A bag of 600 mL IVIG: two vials of 30 g."""
    return a_bag(study)


def _refusal(at: AtBench, who: str, verb, *args) -> Refusal:
    with pytest.raises(Refusal) as refused:
        at.do(who, verb, *args)
    return refused.value


def _source_refused(at: AtBench, source: Source, who: str = "pharmacist") -> str:
    sentence = _refusal(at, who, bench.add_source, source).sentence
    last = at.record().history[-1]
    assert (last["what"], last["refused"]) == ("source refused", sentence)
    return sentence


@pytest.mark.parametrize(
    ("scanned", "sentence"),
    [
        (scan(SALINE, "1"), "Wrong product: Sodium chloride"),
        (scan(IVIG_10G, "1"), "Wrong product: Octagam 10%, 10 g"),
        (scan("00850012345671", "1"), "not one of this study's"),
        (scan(IVIG_30G, "1", expiry="260301"), "Expired"),
        (scan("00368982850053", "1"), "check digit"),
        ("4006381333931", "product number only"),
        ("hello", "not a GS1 code"),
    ],
)
def test_a_wrong_source_is_refused_and_kept(at, scanned, sentence):
    """D5: a sentence names what was wrong, and the refusal stays in the record."""
    at.open()

    assert sentence in _source_refused(at, Source(scanned=scanned))
    assert at.record().first.lines == ()


def test_a_container_that_expires_on_the_day_of_use_is_taken(at):
    at.open()
    at.do("pharmacist", bench.add_source, Source(scanned=scan(IVIG_30G, "1", expiry="260302")))

    assert len(at.record().first.lines) == 1


def test_one_container_is_scanned_once(at):
    at.open()
    at.do("pharmacist", bench.add_source, Source(scanned=scan(IVIG_30G, "77")))

    assert "already scanned" in _source_refused(at, Source(scanned=scan(IVIG_30G, "77")))


def test_no_more_than_the_pick_list(at):
    at.open()
    at.draw("pharmacist")

    assert "No more" in _source_refused(at, Source(scanned=scan(IVIG_30G, "999")))


def test_nothing_before_the_pooling_time(at, study):
    """D10: limits count from the run's notional pooling time, so nothing is punctured before."""
    at.open()
    study.trial.clock.at = at.run_at
    study.trial.clock.move(seconds=-1)
    too_early = _source_refused(at, Source(scanned=scan(IVIG_30G, "1")))
    study.trial.clock.move(seconds=1)
    at.do("pharmacist", bench.add_source, Source(scanned=scan(IVIG_30G, "1")))

    assert "pooling time has not come" in too_early


def test_a_typed_container_is_marked_with_its_reason(at):
    """E17: typed or scanned is kept, and why it was typed."""
    at.open()
    typed = Source(product="octagam_10_30g", lot="K1", expiry="12/2027", why="damaged")
    at.do("pharmacist", bench.add_source, typed)
    line = at.record().first.lines[0]

    assert (line.typed, line.lot, line.expiry) == (True, "K1", "2027-12-31")
    assert at.record().history[-1]["how"] == "damaged"


@pytest.mark.parametrize(
    ("changed", "field"), [({"why": ""}, "why"), ({"product": ""}, "product")]
)
def test_a_typed_container_needs_product_and_reason(at, changed, field):
    at.open()
    said = {"product": "octagam_10_30g", "lot": "K1", "expiry": "12/2027", "why": "no_code"}
    with pytest.raises(BadForm) as wrong:
        at.do("pharmacist", bench.add_source, Source(**{**said, **changed}))

    assert set(wrong.value.errors) == {field}


def test_a_typed_date_that_is_none_is_refused(at):
    at.open()
    said = Source(product="octagam_10_30g", lot="K1", expiry="31.12.27", why="no_code")

    assert "YYYY-MM-DD" in _source_refused(at, said)


def test_the_inner_label_comes_first(at, study):
    assert "inner label" in _refusal(at, "pharmacist", bench.open_bag).sentence
    wrong = _refusal(at, "pharmacist", bench.apply_inner, at.code(Piece.OUTER_COVER))

    assert "not the inner label" in wrong.sentence
    assert at.record().history[-1]["what"] == "inner label refused"
    assert at.record().inner_applied is False
    assert at.trail() == []


def test_an_incomplete_bag_is_not_signed(at):
    at.open()
    at.do("pharmacist", bench.add_source, Source(scanned=at.scans()[0]))

    assert "Not every container" in _refusal(
        at, "pharmacist", bench.sign_prepared, True, PASSWORD
    ).sentence


def test_signing_needs_inspection_and_the_right_password(at):
    at.open()
    at.draw("pharmacist")
    with pytest.raises(BadForm) as wrong:
        at.do("pharmacist", bench.sign_prepared, False, PASSWORD)
    with pytest.raises(WrongPassword):
        at.do("pharmacist", bench.sign_prepared, True, "not the password")

    assert set(wrong.value.errors) == {"inspected"}
    assert at.record().first.signed is None
    assert [entry["event"] for entry in at.trail()] == ["opened"]


def test_the_preparer_cannot_check(at, study):
    """D4: compounder and checker differ, whatever roles one person holds."""
    _also_checker(study, "pharmacist")
    at.prepared()

    refused = _refusal(at, "pharmacist", bench.add_source, Source(scanned=at.scans()[0]))
    signed = _refusal(at, "pharmacist", bench.sign_checked, True, PASSWORD)
    assert (refused.status, signed.status) == (403, 403)
    assert "another person" in refused.sentence


def _also_checker(study: LitStudy, who: str) -> None:
    roles = frozenset({Role.PHARMACIST, Role.CHECKER})
    study.trial.do("administrator", people.give_roles, study.trial.ids[who], study.study_id, roles)


def test_two_people_do_not_mix_one_preparation(at):
    """D4: whoever scanned a container is the preparer; nobody signs for another's scans."""
    at.open()
    at.do("pharmacist", bench.add_source, Source(scanned=at.scans()[0]))
    added = _refusal(at, "pharmacist2", bench.add_source, Source(scanned=at.scans()[0]))
    at.do("pharmacist", bench.add_source, Source(scanned=at.scans()[0]))
    signed = _refusal(at, "pharmacist2", bench.sign_prepared, True, PASSWORD)

    assert "Tom Lang began these entries" in added.sentence
    assert "Tom Lang began these entries" in signed.sentence


def test_after_starting_over_another_pharmacist_prepares(at):
    at.open()
    at.do("pharmacist", bench.add_source, Source(scanned=at.scans()[0]))
    at.do("pharmacist2", bench.start_over, "a vial leaked")
    again = AtBench(at.study, at.bag_id, first="pharmacist2")
    again.apply_inner()
    again.draw("pharmacist2")
    again.do("pharmacist2", bench.sign_prepared, True, PASSWORD)

    assert again.record().first.signed.name == "Petra Novak"


def test_a_checker_does_not_open_prepare_or_print(at):
    at.apply_inner()
    for verb, args in (
        (bench.open_bag, ()),
        (bench.sign_prepared, (True, PASSWORD)),
        (bench.print_cover, ()),
        (bench.start_over, ("because",)),
    ):
        assert _refusal(at, "checker", verb, *args).status == 403
    assert at.trail() == []


def test_a_pharmacist_without_the_role_does_not_check(at):
    at.prepared()

    assert _refusal(at, "pharmacist2", bench.sign_checked, True, PASSWORD).status == 403


def test_the_checker_comes_after_the_first_signature(at):
    at.open()

    assert _refusal(at, "checker", bench.add_source, Source(scanned=at.scans()[0])).status == 403


def test_differing_entries_are_not_signed_and_can_be_settled_by_the_checker(at):
    at.prepared()
    for serial in ("1", "2"):
        at.do("checker", bench.add_source, Source(scanned=scan(IVIG_30G, serial, lot="OTHER")))
    refused = _refusal(at, "checker", bench.sign_checked, True, PASSWORD)
    for _ in range(2):
        at.do("checker", bench.remove_source, 0)
    at.draw("checker")
    at.do("checker", bench.sign_checked, True, PASSWORD)

    assert "differ" in refused.sentence
    assert at.record().stage is Stage.CHECKED


def test_differing_entries_can_be_settled_by_the_preparer(at):
    at.open()
    for serial in ("1", "2"):
        at.do("pharmacist", bench.add_source, Source(scanned=scan(IVIG_30G, serial, lot="TYPO")))
    at.do("pharmacist", bench.sign_prepared, True, PASSWORD)
    at.draw("checker")
    at.do("checker", bench.send_back)
    assert at.record().first.signed is None
    for _ in range(2):
        at.do("pharmacist", bench.remove_source, 0)
    at.draw("pharmacist")
    at.do("pharmacist", bench.sign_prepared, True, PASSWORD)
    at.do("checker", bench.sign_checked, True, PASSWORD)

    assert at.record().stage is Stage.CHECKED
    assert [entry["event"] for entry in at.trail()] == ["opened", "prepared", "checked"]


def test_agreeing_entries_are_not_sent_back(at):
    at.prepared()
    at.draw("checker")

    assert "do not differ" in _refusal(at, "checker", bench.send_back).sentence


def test_the_checkers_page_shows_none_of_the_first_figures(at, study, sqlite_url, tmp_path):
    """D4: blind until both are in; the lot, the expiry and the serial are the preparer's alone."""
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    at.open()
    for serial in ("SER-901", "SER-902"):
        lot = Source(scanned=scan(IVIG_30G, serial, lot="FIRSTLOT9", expiry="290615"))
        at.do("pharmacist", bench.add_source, lot)
    at.do("pharmacist", bench.sign_prepared, True, PASSWORD)
    browser = study.lit_browser(app, "checker")
    path = browser.lit(f"bags/{at.bag_id}")
    blind = browser.get(path).text
    browser.post(f"{path}/sources", scanned=scan(IVIG_30G, "1"))
    still_blind = browser.get(path).text
    browser.post(f"{path}/sources", scanned=scan(IVIG_30G, "2"))
    settled = browser.get(path).text

    firsts = re.compile("FIRSTLOT9|SER-90|15 Jun 2029|290615")
    assert "Scan a container" in blind
    assert not firsts.search(blind)
    assert not firsts.search(still_blind)
    assert "Where they differ" in settled
    assert "FIRSTLOT9" in settled


def test_exactly_one_entry_per_stage(at):
    """C8: each opening is one entry; the count of entries does not follow what happened."""
    at.covered()

    assert [entry["event"] for entry in at.trail()] == STAGES


def test_one_entry_per_stage_however_often_it_was_begun_again(at):
    at.checked()
    at.do("pharmacist", bench.start_over, "leaked at the port")
    at.apply_inner()
    at.do("pharmacist", bench.open_bag)
    at.draw("pharmacist")
    at.do("pharmacist", bench.sign_prepared, True, PASSWORD)
    at.draw("checker")
    at.do("checker", bench.sign_checked, True, PASSWORD)
    at.do("pharmacist", bench.print_cover)
    at.cover()

    assert [entry["event"] for entry in at.trail()] == STAGES


def test_entries_stand_under_the_runs_time_and_bind_what_was_signed(at):
    at.covered()
    entries = at.trail()

    assert {entry["at"] for entry in entries} == {"2026-03-02T15:00:00.000000Z"}
    assert [len(entry["entries"]) for entry in entries[1:]] == [64] * 4
    assert entries[1]["entries"] != entries[2]["entries"]


def test_the_container_follows_from_the_volume_alone():
    """B6: the smallest that holds the bag; too much for all is refused by the largest's limit."""
    might = products_of("MIGHT")
    half_ml = might.containers[0].fill_limit_ml / 2
    small = Container("eva_500", "Empty EVA container, 500 mL", half_ml)
    both = Products("MIGHT", might.supplies, (might.containers[0], small))

    assert both.container_for(small.fill_limit_ml).key == "eva_500"
    assert both.container_for(small.fill_limit_ml + 1).key == "eva_1000"
    assert both.container_for(might.containers[0].fill_limit_ml + 1).key == "eva_1000"


def test_no_step_at_the_bench_moves_a_readable_clock(at, study):
    """B10: a whole preparation, later by minutes, leaves the same plaintext database."""
    at.open()
    study.ready("M-002")
    for who in ("pharmacist", "checker"):
        study.room(who)
    before = in_the_clear(study)
    for verb in (at.draw, lambda _: None):
        verb("pharmacist")
        study.trial.clock.move(minutes=3)
    at.do("pharmacist", bench.sign_prepared, True, PASSWORD)
    at.draw("checker")
    study.trial.clock.move(minutes=4)
    at.do("checker", bench.sign_checked, True, PASSWORD)
    at.do("pharmacist", bench.print_cover)
    at.cover()
    after = in_the_clear(study)

    numbers = {"lit_audit_head": "size", "lit_audit_entry": "seq"}
    assert {name for name in after if after[name] != before[name]} == set(numbers)
    assert after["lit_audit_head"][0]["size"] == before["lit_audit_head"][0]["size"] + 4


def test_what_has_left_is_no_longer_at_the_bench(at):
    at.covered()
    at.release()

    assert "no longer at the bench" in _refusal(
        at, "pharmacist", bench.start_over, "too late"
    ).sentence


@pytest.mark.parametrize("who", ["nurse", "coordinator", "investigator", "monitor"])
def test_blinded_people_meet_no_bench(at, study, sqlite_url, tmp_path, who):
    """C1: only named unblinded roles reach what tells an arm."""
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    browser = study.browser(app, who)
    path = browser.lit(f"bags/{at.bag_id}")

    for page in ("", "/inner-label.pdf", "/cover-label.pdf", "/check-in"):
        assert browser.get(path + page).status_code == 403
    for verb in ("open", "sources", "prepared", "checked", "release", "hand-over", "start-over"):
        assert browser.post(f"{path}/{verb}").status_code == 403
