"""Safety unblinding: a named recipient, two signatures, nothing at rest that follows the arm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from pharmacy.domain.errors import BadForm, Refusal, WrongPassword
from pharmacy.persistence import marks
from pharmacy.services import departures
from pharmacy.unblinded import safety_unblinding as safety
from pharmacy.unblinded import trail
from pharmacy.unblinded.safety_letter import letter_pdf
from pharmacy.unblinded.safety_request import Asked, Recipient, SecondSignature, Told
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study
from tests.support.world import build_app
from tests.unblinded.bench_acts import in_the_clear

IVIG = "immune globulin intravenous (human) 10%"
SALINE = "sodium chloride 0.9% (placebo)"
DAY = date(2026, 3, 2)
DOCTOR = Recipient("Dr. Lee", "County Hospital", "physician", "205-555-0177")
SECOND = SecondSignature("checker.test", PASSWORD, "192.0.2.7")


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Two participants, each with a bag that was released on the first day; one on each arm."""
    return with_two_bags(open_study(sqlite_url))


def with_two_bags(study: LitStudy) -> LitStudy:
    for code in ("M-002", "M-008"):
        study.trial.release(study.bags(study.planned(code))[0].id)
    return study


def participant_id(study: LitStudy, code: str = "M-002") -> str:
    with study.trial.look("pharmacist") as act:
        return next(one for one, said in safety.who(act) if said == code)


def report(study: LitStudy, **changes: Any) -> Asked:
    asked = Asked("report", DOCTOR, "Serious event", participant_id(study), form="safety-form-0001")
    return replace(asked, **changes)


def recall(study: LitStudy, words: str = IVIG, **changes: Any) -> Asked:
    with study.trial.look("pharmacist") as act:
        product = next(key for key, text in safety.products(act).items() if text == words)
    asked = Asked("recall", DOCTOR, "Lot recalled", "", product, DAY, DAY, "safety-form-0002")
    return replace(asked, **changes)


def told(study: LitStudy, asked: Asked, who: str = "pharmacist", **said: object) -> Told:
    second = said.get("second", SECOND)
    made = study.do(who, safety.ask, asked, said.get("password", PASSWORD), second)
    assert isinstance(made, Told)
    return made


def events(study: LitStudy) -> list[str]:
    room = study.room("pharmacist")
    with study.trial.look("pharmacist") as act:
        return [str(entry["event"]) for entry in trail.entries(act, room.record_key)]


def safety_events(study: LitStudy) -> list[str]:
    return [event for event in events(study) if event.startswith("safety")]


def test_one_participant_for_one_named_person(study: LitStudy) -> None:
    """Opened first, then shown, then told; nothing in the blinded trail, no notice."""
    before = len(study.trial.events())
    assert told(study, report(study)).lines == (("M-002", f"receives {SALINE}"),)
    assert safety_events(study) == ["safety_unblinding", "safety_opened", "safety_letter_shown"]
    assert len(study.trial.events()) == before


def test_somebody_who_left_the_treatment_is_still_reported_on(study: LitStudy) -> None:
    """An expedited report is often the reason for leaving; the place stays theirs."""
    asked = report(study)
    leave = (asked.participant_id, study.trial.today(), "adverse_event", PASSWORD)
    study.trial.do("investigator", departures.withdraw, *leave)
    assert participant_id(study) == asked.participant_id
    assert told(study, asked).lines == (("M-002", f"receives {SALINE}"),)


def test_a_recall_opens_everybody_of_its_window_and_names_the_recipients(study: LitStudy) -> None:
    """blinding.md: true recipients are reached by a named physician; the others are not named."""
    made = told(study, recall(study))
    assert made.lines == (("M-008", f"was given {IVIG}"),)
    assert safety_events(study).count("safety_opened") == 2
    paper = on_paper(study, made)
    assert "M-008" in paper
    assert "M-002" not in paper
    other = recall(study, SALINE, form="safety-form-0003")
    assert told(study, other).lines == (("M-002", f"was given {SALINE}"),)


def on_paper(study: LitStudy, made: Told) -> str:
    with study.trial.look("pharmacist") as act:
        pdf = letter_pdf(act, made)
    pages = [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf)]
    assert len(pages) == 2
    assert not any(word in pages[1] for word in ("M-00", "globulin", "sodium", "MIGHT"))
    return " ".join(pages[0].split())


def test_what_lies_at_rest_is_the_same_whoever_received_it(
    new_sqlite_url: Callable[[], str],
) -> None:
    """The one rule: rows, entries and marks of a recall do not follow the arms."""
    found, letters = [], []
    for arms in ("112221122112", "221121122112", "121221122112"):
        made = with_two_bags(open_study(new_sqlite_url(), arms=arms))
        nurse = made.trial.ids["nurse"]
        asked = recall(made, recipient=replace(DOCTOR, person_id=nurse))
        letters.append(told(made, asked).lines)
        found.append(in_the_clear(made))
        made.trial.engine.dispose()
    assert [len(lines) for lines in letters] == [2, 0, 1]
    assert found[0] == found[1] == found[2]


def test_every_letter_has_one_length(study: LitStudy) -> None:
    one = told(study, recall(study))
    with study.trial.look("pharmacist") as act:
        letters = [
            letter_pdf(act, each)
            for each in (one, replace(one, lines=()), replace(one, lines=(), none="Nobody."))
        ]
    assert len({len(pdf) for pdf in letters}) == 1
    assert len(set(letters)) == 3


def test_every_showing_opens_and_is_recorded_anew(study: LitStudy) -> None:
    told(study, recall(study))
    told(study, recall(study))
    room = study.room("pharmacist2")
    with study.trial.act("pharmacist2") as act:
        (request,) = safety.requests(act, room)
        safety.show_again(act, room, request.id, PASSWORD)
    assert safety_events(study).count("safety_unblinding") == 1
    assert safety_events(study).count("safety_letter_shown") == 3
    assert safety_events(study).count("safety_opened") == 6
    with study.trial.look("pharmacist") as act:
        (request,) = safety.requests(act, study.room("pharmacist"))
    assert len(request.shown) == 3
    assert "to Petra Novak" in request.shown[2]
    assert "2 participants" in request.about


@pytest.mark.parametrize(
    "changes",
    [{"kind": "care"}, {"product": "1"}, {"last": date(2026, 3, 5)}, {"said": "?"}],
)
def test_a_form_sent_again_with_another_body_tells_nothing(
    study: LitStudy, changes: dict[str, object]
) -> None:
    """keys.md: one effect, one answer; a recall sent again as care told both arms of its window."""
    first = recall(study)
    told(study, first)
    again = replace(first, **changes)  # type: ignore[arg-type]
    assert again != first
    with pytest.raises(Refusal, match="asked for something else"):
        told(study, again)
    assert safety_events(study).count("safety_letter_shown") == 1


def test_a_form_sent_again_is_signed_again(study: LitStudy) -> None:
    told(study, report(study))
    with pytest.raises(WrongPassword):
        told(study, report(study), password="not the password")
    with pytest.raises(BadForm):
        told(study, report(study), second=replace(SECOND, password="not the password"))
    with pytest.raises(Refusal, match="asked for something else"):
        told(study, report(study, participant_id=participant_id(study, "M-008")))
    assert safety_events(study).count("safety_letter_shown") == 1


@pytest.mark.parametrize(
    "recipient",
    [replace(DOCTOR, name="Dr. Lee " * 30), replace(DOCTOR, organisation="\u674e\u533b\u751f")],
)
def test_a_letter_without_room_opens_nothing(study: LitStudy, recipient: Recipient) -> None:
    """A letter that could never be printed would be an opening that nobody was told of."""
    with pytest.raises(BadForm, match="no room for this, or no such character"):
        told(study, report(study, recipient=recipient))
    assert safety_events(study) == []


def test_a_recall_of_many_goes_on_over_pages_of_one_length(study: LitStudy) -> None:
    """How many pages there are follows from whom the request covers, never from who received it."""
    one = told(study, recall(study))
    many = tuple((f"M-{number:03d}", f"was given {IVIG}") for number in range(1, 41))
    with study.trial.look("pharmacist") as act:
        letters = [
            letter_pdf(act, replace(one, lines=lines, covered=40)) for lines in (many, many[:3], ())
        ]
    pages = [pypdfium2.PdfDocument(pdf) for pdf in letters]
    assert {len(each) for each in pages} == {5}
    assert len({len(pdf) for pdf in letters}) == 1
    text = " ".join(page.get_textpage().get_text_range() for page in pages[0])
    assert all(code in text for code, _ in many)


def test_two_different_unblinded_people_sign(study: LitStudy) -> None:
    with pytest.raises(WrongPassword):
        told(study, report(study), password="not the password")
    for second in (
        replace(SECOND, user_name="pharmacist.test"),
        replace(SECOND, user_name="coordinator.test"),
        replace(SECOND, password="not the password"),
    ):
        with pytest.raises(BadForm):
            told(study, report(study), second=second)
    with pytest.raises(Refusal) as refused:
        told(study, report(study), "checker")
    assert refused.value.status == 403
    locked = replace(study.room("pharmacist"), list_key=None)
    with study.trial.act("pharmacist") as act, pytest.raises(Refusal, match="list key"):
        safety.ask(act, locked, report(study), PASSWORD, SECOND)
    assert safety_events(study) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "curiosity"}, "kind"),
        ({"said": ""}, "said"),
        ({"said": "x" * 1200}, "said"),
        ({"recipient": replace(DOCTOR, role="friend")}, "role"),
        ({"recipient": replace(DOCTOR, name="")}, "name"),
        ({"recipient": replace(DOCTOR, contact="")}, "contact"),
        ({"recipient": replace(DOCTOR, person_id="nobody")}, "person"),
        ({"participant_id": "nobody"}, "participant"),
        ({"kind": "recall", "first": DAY, "last": DAY}, "product"),
        ({"kind": "recall", "product": "0"}, "last"),
        ({"kind": "recall", "product": "0", "first": DAY, "last": date(2026, 3, 1)}, "last"),
        ({"kind": "recall", "product": "0", "first": date(2027, 1, 1), "last": date(2027, 1, 2)},
         "last"),
    ],
)  # fmt: skip
def test_what_is_typed_is_checked_before_anything_is_opened(
    study: LitStudy, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(BadForm) as refused:
        told(study, report(study, **changes))
    assert field in refused.value.errors
    assert safety_events(study) == []


def test_a_recipient_with_an_account_is_marked_for_ever(study: LitStudy) -> None:
    nurse = study.trial.ids["nurse"]
    told(study, report(study, recipient=replace(DOCTOR, person_id=nurse)))
    with study.trial.look("pharmacist") as act:
        assert marks.mark_of(act.uow.session, act.in_study.id, nurse) is not None


def test_on_the_screen(study: LitStudy, sqlite_url: str, tmp_path: Path) -> None:
    """From the form to the letter, no-store, and again; what is refused keeps what was typed."""
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    browser = study.lit_browser(app, "pharmacist")
    path = browser.lit("safety")
    assert "Nobody was told" in browser.get(path).text
    typed = {
        "kind": "report",
        "participant": participant_id(study),
        "name": "Dr. Lee",
        "organisation": "County Hospital",
        "role": "physician",
        "contact": "205-555-0177",
        "said": "Serious event",
        "second_user_name": "checker.test",
        "second_password": PASSWORD,
        "password": PASSWORD,
    }
    refused = browser.post(f"{path}/new", **{**typed, "password": "not it"})
    assert refused.status_code == 403
    assert "Serious event" in refused.text
    assert browser.post(f"{path}/new", **{**typed, "participant": ""}).status_code == 400
    answer = browser.post(f"{path}/new", **typed)
    assert answer.data.startswith(b"%PDF-")
    assert answer.headers["Cache-Control"] == "no-store"
    page = browser.get(path).text
    assert "Shown 1 time" in page
    assert not any(word in page for word in ("globulin", "chloride"))
    with study.trial.look("pharmacist") as act:
        (request,) = safety.requests(act, study.room("pharmacist"))
    again = f"{path}/{request.id}/show"
    assert browser.post(again, password="not it").status_code == 403
    assert browser.post(again, password=PASSWORD).data.startswith(b"%PDF-")
    assert browser.post(f"{path}/nobody/show", password=PASSWORD).status_code == 404
