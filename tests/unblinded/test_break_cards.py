"""Sealed code-break cards: an audited opening each, two places, weekly counts (J1, J4, K8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pypdfium2
import pytest
import sqlalchemy as sa
from flask import Flask

from pharmacy.domain.errors import BadForm, Refusal, WrongPassword
from pharmacy.persistence import break_cards as kept
from pharmacy.persistence import marks, participants
from pharmacy.persistence.notices import Notice
from pharmacy.services import break_cards as seals
from pharmacy.services import departures
from pharmacy.services.break_cards import Opened
from pharmacy.unblinded import break_cards, trail
from pharmacy.unblinded.break_card_paper import card_pdf
from pharmacy.unblinded.break_cards import Wanted
from pharmacy.unblinded.release_gates import need_code_break
from tests.support.browsing import words
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study
from tests.support.world import build_app

IVIG = "immune globulin intravenous (human) 10%"
SALINE = "sodium chloride 0.9% (placebo)"
WANTED = Wanted("pharmacy", "TE-0001", "Safe", "T. Lang", "", "card-form-000000001")


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Two participants with a place, the first on saline and the second on IVIG."""
    return open_study(sqlite_url, enrolled=("M-002", "M-008"))


@pytest.fixture
def app(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Flask:
    return build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)


def whose(study: LitStudy, code: str = "M-002") -> str:
    with study.trial.look("pharmacist") as act:
        return next(one.id for one in break_cards.table(act) if one.code == code)


def printed(study: LitStudy, wanted: Wanted = WANTED, code: str = "M-002") -> str:
    """The words on both pages of a card."""
    text = study.do("pharmacist", break_cards.open_card, whose(study, code), wanted)
    return on_paper(card_pdf(text))


def on_paper(pdf: bytes) -> str:
    pages = [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf)]
    assert len(pages) == 2
    return "\f".join(" ".join(page.split()) for page in pages)


def events(study: LitStudy) -> list[str]:
    return [entry.event for entry in reversed(study.trial.events())]


def openings(study: LitStudy) -> list[dict[str, object]]:
    room = study.room("pharmacist")
    with study.trial.look("pharmacist") as act:
        found = trail.entries(act, room.record_key)
    return [entry for entry in found if entry["event"] == break_cards.CARD_OPENED]


def cards(study: LitStudy) -> list[kept.BreakCard]:
    with study.trial.look("pharmacist") as act:
        return list(kept.of_study(act.uow.session, act.in_study.id))


@pytest.mark.parametrize(("code", "arm"), [("M-002", SALINE), ("M-008", IVIG)])
def test_the_card_says_one_arm_and_its_cover_sheet_none(
    study: LitStudy, code: str, arm: str
) -> None:
    """keys.md: the opened arm goes to the paper; outside stand whose, which seal, whom to call."""
    card, cover = printed(study, code=code).split("\f")
    other = SALINE if arm == IVIG else IVIG
    assert arm in card
    assert other not in card
    assert "TRAINING - NOT FOR HUMAN USE" in card
    for said in (code, "TE-0001", "T. Lang", "205-555-0199", "205-555-0142", "Pharmacy"):
        assert said in cover, said
    assert not any(word in cover for word in ("globulin", "sodium", "placebo", "receives"))


def test_somebody_who_left_the_treatment_keeps_their_cards(study: LitStudy) -> None:
    """A late reaction comes after the treatment: a card that was lost is still made anew."""
    printed(study)
    leave = (whose(study), study.trial.today(), "adverse_event", PASSWORD)
    study.trial.do("investigator", departures.withdraw, *leave)
    again = replace(WANTED, seal_number="TE-0002", reason="lost", form="card-form-000000002")
    assert SALINE in printed(study, again)


def test_every_file_has_one_length_whatever_it_says(study: LitStudy) -> None:
    """A length on the wire tells no arm; the control is that the bytes do differ."""
    text = study.do("pharmacist", break_cards.open_card, whose(study), WANTED)
    files = [card_pdf(replace(text, receives=arm, watermark="")) for arm in (IVIG, SALINE)]
    files += [card_pdf(replace(text, receives=arm)) for arm in (IVIG, SALINE, "x")]
    assert len({len(pdf) for pdf in files}) == 1
    assert len(set(files)) == 5
    assert card_pdf(text) == card_pdf(text)
    with pytest.raises(Refusal, match="no room"):
        card_pdf(replace(text, receives="immune " * 40))


@pytest.mark.parametrize("custodian", ["W" * 80, "\u674e\u533b\u751f"])
def test_a_card_without_room_opens_nothing(study: LitStudy, custodian: str) -> None:
    """A card that could never be printed would be an opening on no paper."""
    before = len(openings(study))
    with pytest.raises(BadForm, match="no room on the card, or no such character"):
        printed(study, replace(WANTED, custodian=custodian))
    assert len(openings(study)) == before
    assert SALINE in printed(study)


def test_the_opening_is_written_down_with_card_set_and_seal(study: LitStudy) -> None:
    """Wall 4, J4: the entry names participant, card number, set and seal, in both trails."""
    printed(study)
    (card,) = cards(study)
    (entry,) = openings(study)
    said = (entry["participant"], entry["card"], entry["set"], entry["seal"], entry["reason"])
    assert said == ("M-002", card.number, "pharmacy", "TE-0001", "first")
    assert entry["subject"] == f"break_card:{card.id}"
    assert events(study)[-1] == "break_card_printed"
    body = study.trial.events()[0].body.decode()
    assert card.number in body
    assert not any(word in body.casefold() for word in ("ivig", "saline", "globulin", "sodium"))


def test_the_same_form_twice_is_one_card_and_two_recorded_openings(study: LitStudy) -> None:
    """Whatever reaches a printer has its own entry."""
    assert printed(study) == printed(study)
    assert len(cards(study)) == 1
    assert len(openings(study)) == 2
    with pytest.raises(Refusal, match="already sent"):
        printed(study, code="M-008")


def test_nobody_without_a_place_and_nobody_without_the_list_key_prints(study: LitStudy) -> None:
    """keys.md: never for unallocated slots."""
    waiting = study.eligible("M-009")
    with pytest.raises(Refusal, match="no place"):
        study.do("pharmacist", break_cards.open_card, waiting, WANTED)
    with pytest.raises(Refusal) as refused:
        study.do("checker", break_cards.open_card, whose(study), WANTED)
    assert refused.value.status == 403
    room = replace(study.room("pharmacist"), list_key=None)
    with study.trial.act("pharmacist") as act, pytest.raises(Refusal, match="list key"):
        break_cards.open_card(act, room, whose(study), WANTED)
    assert (cards(study), openings(study)) == ([], [])


def test_another_card_needs_a_reason_and_voids_the_old_number(study: LitStudy) -> None:
    printed(study)
    fresh = replace(WANTED, seal_number="TE-0002", form="card-form-000000002")
    with pytest.raises(BadForm, match="why another card"):
        printed(study, fresh)
    with pytest.raises(BadForm, match="used before"):
        printed(study, replace(fresh, seal_number="te-00 01", reason="spoilt"))
    assert "TE-0002" in printed(study, replace(fresh, reason="spoilt"))
    old, new = sorted(cards(study), key=lambda card: card.seal_number)
    assert (old.state, new.state) == ("void", "printed")
    assert old.number != new.number
    assert [entry["reason"] for entry in openings(study)] == ["first", "spoilt"]
    assert "break_card_void" in events(study)
    with pytest.raises(Refusal, match="does not count"):
        study.trial.do("pharmacist", break_cards.put_in_place, old.id, "TE-0001")


def test_a_card_counts_once_its_seal_was_read_back(study: LitStudy) -> None:
    printed(study)
    (card,) = cards(study)
    with pytest.raises(BadForm, match="not the seal number"):
        study.trial.do("pharmacist", break_cards.put_in_place, card.id, "TE-9999")
    assert not cards(study)[0].recorded
    for _ in range(2):
        study.trial.do("pharmacist", break_cards.put_in_place, card.id, " te-0001")
    (card,) = cards(study)
    assert (card.state, card.recorded) == ("sealed", True)
    assert events(study).count("break_card_sealed") == 1


def gate(study: LitStudy, code: str = "M-002") -> str:
    """What the gate says, empty when it is open."""
    with study.trial.look("pharmacist") as act:
        participant = participants.by_code(act.uow.session, study.study_id, code)
        assert participant is not None
        try:
            need_code_break(act, participant)
        except Refusal as refused:
            return refused.sentence
    return ""


def test_no_bag_leaves_before_drill_and_both_cards(study: LitStudy) -> None:
    """The sentence says what to do; a card that is only printed does not open the gate."""
    assert "Nobody has drilled" in gate(study)
    study.enrol_breaker()
    study.drill()
    assert "Pharmacy and On-call physician" in gate(study)
    printed(study)
    assert "Pharmacy and On-call physician" in gate(study)
    (card,) = cards(study)
    study.trial.do("pharmacist", break_cards.put_in_place, card.id, "TE-0001")
    assert gate(study).count("On-call physician") == 1
    assert "Pharmacy and" not in gate(study)
    study.ready("M-002")
    assert gate(study) == ""
    assert "M-008" in gate(study, "M-008")


def test_a_card_lost_later_stops_no_bag(study: LitStudy) -> None:
    """Care goes on; the count sees to the card."""
    study.ready("M-002")
    again = replace(WANTED, seal_number="TE-7", reason="lost", form="card-form-000000007")
    printed(study, again)
    assert gate(study) == ""


def test_a_count_answers_for_every_seal_and_is_signed(study: LitStudy) -> None:
    study.ready("M-002")
    study.ready("M-008")
    with study.trial.look("checker") as act:
        page = seals.set_page(act, "pharmacy")
    found = {card.id: "intact" for card in page.sealed}
    assert len(found) == 2
    one = next(iter(found))
    with pytest.raises(BadForm, match="how you found"):
        study.trial.do("checker", seals.count, "pharmacy", {one: "intact"}, PASSWORD)
    with pytest.raises(WrongPassword):
        study.trial.do("checker", seals.count, "pharmacy", found, "not the password")
    for who in ("coordinator", "investigator"):
        with pytest.raises(Refusal, match="somebody else"):
            study.trial.do(who, seals.count, "pharmacy", found, PASSWORD)
    study.trial.do("checker", seals.count, "pharmacy", found, PASSWORD)
    with study.trial.look("coordinator") as act:
        assert "2 seals, by Rose Okafor" in seals.set_page(act, "pharmacy").last
    assert events(study)[-1] == "seals_counted"


def test_a_week_without_a_count_is_overdue(study: LitStudy) -> None:
    def overdue() -> list[bool]:
        with study.trial.look("coordinator") as act:
            return [page.overdue for page in seals.sets(act)]

    assert overdue() == [False, False]
    study.ready("M-002")
    study.trial.clock.at += timedelta(days=7)
    assert overdue() == [False, False]
    study.trial.clock.at += timedelta(minutes=1)
    assert overdue() == [True, True]
    with study.trial.look("coordinator") as act:
        found = {card.id: "intact" for card in seals.set_page(act, "physician").sealed}
    study.trial.do("coordinator", seals.count, "physician", found, PASSWORD)
    assert overdue() == [True, False]


@pytest.mark.parametrize("said", ["broken", "missing"])
def test_a_seal_out_of_order_is_told_without_arm_or_participant(study: LitStudy, said: str) -> None:
    study.ready("M-002")
    with study.trial.look("checker") as act:
        (line,) = seals.set_page(act, "pharmacy").sealed
    study.trial.do("checker", seals.count, "pharmacy", {line.id: said}, PASSWORD)
    with study.trial.look("checker") as act:
        page = seals.set_page(act, "pharmacy")
        (notice,) = act.uow.session.scalars(sa.select(Notice)).all()
    assert [card.state for card in page.out_of_order] == [said]
    assert page.sealed == ()
    assert "M-002" not in notice.sentence
    assert not any(word in notice.sentence for word in ("globulin", "chloride", "IVIG"))
    assert "break_card_out_of_order" in events(study)


def opened(study: LitStudy, **said: str) -> Opened:
    with study.trial.look("coordinator") as act:
        line = next(one for one in seals.lines(act) if one.card_set == "physician")
    facts = {"person_id": "", "name": "Dr. Night", "reason": "treatment", **said}
    return Opened(line.id, facts["person_id"], facts["name"], study.trial.clock(), facts["reason"])


def test_a_card_that_was_opened_is_a_broken_code(study: LitStudy) -> None:
    """Who, when, why; the mark for a user; told to pharmacy and sponsor without whose and which."""
    study.ready("M-002")
    nurse = study.trial.ids["nurse"]
    study.trial.do("coordinator", seals.tell_opened, opened(study, person_id=nurse), PASSWORD)
    assert events(study)[-1] == "code_break_by_card"
    with study.trial.look("coordinator") as act:
        assert marks.mark_of(act.uow.session, act.in_study.id, nurse) is not None
        (notice,) = act.uow.session.scalars(sa.select(Notice)).all()
    assert "broken by Dana Whitfield with a sealed card" in notice.sentence
    assert "M-002" not in notice.sentence
    with pytest.raises(Refusal, match="not sealed any more"):
        study.trial.do("coordinator", seals.tell_opened, opened(study), PASSWORD)


def test_what_is_told_of_an_opened_card_is_checked(study: LitStudy) -> None:
    study.ready("M-002")
    wrong = {
        "name": opened(study, name=""),
        "person": opened(study, person_id="nobody"),
        "reason": opened(study, reason="curiosity"),
        "opened_at": replace(opened(study), at=study.trial.clock() + timedelta(minutes=1)),
    }
    before = replace(opened(study), at=study.trial.clock() - timedelta(days=3))
    for field, said in [*wrong.items(), ("opened_at", before)]:
        with pytest.raises(BadForm) as refused:
            study.trial.do("coordinator", seals.tell_opened, said, PASSWORD)
        assert list(refused.value.errors) == [field]
    with pytest.raises(WrongPassword):
        study.trial.do("coordinator", seals.tell_opened, opened(study), "not the password")
    assert "code_break_by_card" not in events(study)


def test_on_the_screen_from_the_printer_to_the_count(study: LitStudy, app: Flask) -> None:
    """The paper is no-store; every page around it says nothing of an arm."""
    pharmacist = study.lit_browser(app, "pharmacist")
    table = pharmacist.lit("break-cards")
    one = f"{table}/{whose(study)}/pharmacy"
    typed = {"seal_number": "TE-0001", "custodian": "T. Lang", "place": "Safe", "reason": ""}
    assert "No card yet" in pharmacist.get(table).text
    assert pharmacist.post(f"{one}/print", **{**typed, "place": ""}).status_code == 400
    answer = pharmacist.post(f"{one}/print", **typed)
    assert answer.headers["Cache-Control"] == "no-store"
    assert SALINE in on_paper(answer.data)
    assert pharmacist.post(f"{one}/seal", seal_number="TE-2").status_code == 400
    assert pharmacist.post(f"{one}/seal", seal_number="TE-0001").status_code == 303
    assert pharmacist.post(f"{one}/print", **{**typed, "seal_number": "TE-3"}).status_code == 400
    assert pharmacist.get(f"{table}/{whose(study)}/drawer").status_code == 404
    page = f"/study/{study.study_id}/break-cards"
    (card,) = cards(study)
    assert "TE-0001" in pharmacist.get(page).text
    assert pharmacist.post(f"{page}/count/pharmacy", password=PASSWORD).status_code == 400
    said = {f"seal-{card.id}": "intact", "password": PASSWORD}
    assert pharmacist.post(f"{page}/count/pharmacy", **said).status_code == 303
    shown = [pharmacist.get(path).text for path in (table, one, page, f"{page}/count/pharmacy")]
    assert not any(word in text for text in shown for word in ("globulin", "sodium chloride"))
    coordinator = study.browser(app, "coordinator")
    assert "Somebody else counts" in coordinator.get(f"{page}/count/pharmacy").text
    told = {"person": "", "name": "Dr. Night", "opened_on": "2 Mar 2026", "opened_at": "25:00"}
    path = f"{page}/{card.id}/opened"
    assert coordinator.post(path, **told, reason="treatment", password=PASSWORD).status_code == 400
    told["opened_at"] = "08:30"
    done = coordinator.post(path, **told, reason="treatment", password=PASSWORD)
    assert done.status_code == 303, words(done.text)
    assert "Opened in an emergency" in coordinator.get(page).text


def test_two_worlds_keep_the_same_of_their_cards(new_sqlite_url: Callable[[], str]) -> None:
    """The one rule: numbers, seals and counts are the same whatever is on the cards."""
    found = []
    for arms in ("211221122112", "122112212112"):
        made = open_study(new_sqlite_url(), arms=arms, enrolled=("M-002",))
        made.ready("M-002")
        found.append([(c.number, c.seal_number, c.state, c.made_at) for c in cards(made)])
        made.trial.engine.dispose()
    assert found[0] == found[1]
