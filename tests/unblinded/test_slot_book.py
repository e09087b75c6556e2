"""The book of places: counts, and places that were given in error; no arm and no hole (C2, C3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.services import deviations
from pharmacy.unblinded import slot_book
from pharmacy.unblinded.slot_book import SlotBook
from tests.services.test_departures import ident, leaves
from tests.services.test_deviations import said_of
from tests.support.builders import PASSWORD
from tests.support.growth_builders import grow
from tests.support.lit_builders import LitStudy, open_study
from tests.support.world import build_app


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A study in which two participants have a place."""
    return open_study(sqlite_url, enrolled=("M-001", "M-002"))


def book(study: LitStudy, who: str = "pharmacist") -> SlotBook:
    """The book as somebody reads it."""
    room = study.room(who)
    with study.trial.look(who) as act:
        return slot_book.book(act, room)


def note(study: LitStudy, code: str, operation: str = "note-operation-01", **how: str) -> None:
    """A pharmacist marks a place."""
    kind, words = how.get("kind", "served_twice"), how.get("words", "Paper of 3 March.")
    study.do("pharmacist", slot_book.note_error, code, kind, words, operation)


def test_an_error_stays_on_the_place_and_the_place_stays_taken(study: LitStudy) -> None:
    """C3: nothing is freed; the unblinded trail says what happened, the blinded one no words."""
    note(study, "M-002")
    note(study, "M-002")
    (one,) = book(study).places
    assert (one.places, one.taken, one.in_error, one.free) == (12, 2, 1, 10)
    (line,) = book(study, "statistician").errors
    assert (line.code, line.words, line.name) == ("M-002", "Paper of 3 March.", "Tom Lang")
    (entry,) = [each for each in study.trial.events() if each.event == "place_marked_in_error"]
    assert b"Paper" not in entry.body
    with pytest.raises(Refusal, match="already"):
        note(study, "M-002", "note-operation-02")
    grow(study)
    assert book(study).places[0].free == 14
    leaves(study, "M-001")
    assert book(study).places[0].taken == 2


def test_signed_deviations_wait_until_their_place_is_marked(study: LitStudy) -> None:
    """The blinded side's words never come here: only whose place it is."""
    said = said_of(study)
    study.trial.do("coordinator", deviations.report, ident(study, "M-001"), said, PASSWORD)
    assert book(study).waiting == ("M-001",)
    note(study, "M-001", kind="wrong_stratum", words="")
    assert book(study).waiting == ()


@pytest.mark.parametrize(
    ("code", "how", "field"),
    [
        ("M-099", {}, "code"),
        ("M-001", {"kind": "swapped"}, "kind"),
        ("M-001", {"words": "x" * 301}, "words"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    study: LitStudy, code: str, how: dict[str, str], field: str
) -> None:
    with pytest.raises(BadForm) as refused:
        note(study, code, **how)
    assert list(refused.value.errors) == [field]


def test_the_page(study: LitStudy, sqlite_url: str, tmp_path: Path) -> None:
    """Locked, open, refused and done; the checker has no business there."""
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    closed = study.browser(app, "statistician")
    assert "The room is locked" in closed.get(closed.lit("places")).text
    browser = study.lit_browser(app, "pharmacist")
    assert "No place is marked" in browser.get(browser.lit("places")).text
    assert browser.post(browser.lit("places"), code="", kind="other").status_code == 400
    done = browser.post(browser.lit("places"), code="M-001", kind="other", words="Twice.")
    assert done.status_code == 303
    assert "Twice." in browser.get(browser.lit("places")).text
    checker = study.browser(app, "checker")
    assert checker.get(checker.lit("places")).status_code == 403
