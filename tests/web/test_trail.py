"""The audit trails as pages: who may read which, paging, finding, and the export."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from pharmacy.domain.audit import leaf_hash
from pharmacy.persistence import audit
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.services.spreadsheet import csv_bytes
from tests.support.browser import Browser, open_house, signed_in
from tests.support.builders import Trial, make_trial

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


@pytest.fixture
def app(trial: Trial, sqlite_url: str, tmp_path: Path) -> Flask:
    return open_house(trial, sqlite_url, tmp_path)


def text_of(answer) -> str:
    return unescape(answer.get_data(as_text=True))


def note(trial: Trial, count: int, event: str = "noted_by_test", **values: object) -> None:
    """Write entries into the study's blinded trail."""
    with trial.act("coordinator") as act:
        for number in range(count):
            act.record(event, f"participant:M-{number:03d}", **values)


def numbers(page: str) -> list[int]:
    return [int(n) for n in re.findall(r'scope="row" class="n">(\d+)<', page)]


def follow(browser: Browser, page: str, words: str) -> str | None:
    """The page behind a link with these words, or None when there is no such link."""
    found = re.search(rf'<a href="([^"]+)">{words}</a>', page)
    return text_of(browser.get(found[1])) if found else None


@pytest.mark.parametrize("who", ["monitor", "coordinator", "investigator"])
def test_blinded_reviewers_read_their_studys_trail(app: Flask, trial: Trial, who: str) -> None:
    """E7: in words, with old and new value, who, when in UTC, and why."""
    note(trial, 1, old={"weight_kg": "70"}, new={"weight_kg": "71"}, reason="Weighed again.")
    page = text_of(signed_in(app, who).get(f"/study/{trial.study_id}/trail"))
    for word in (
        "Noted by test", "participant M-000", "Cora Lindqvist (coordinator.test)",
        "2 Mar 2026 14:30 UTC", "weight kg: 70", "weight kg: 71", "Weighed again.",
    ):  # fmt: skip
        assert word in page


@pytest.mark.parametrize("who", ["nurse", "pharmacist", "checker", "administrator"])
def test_nobody_else_does(app: Flask, trial: Trial, who: str) -> None:
    """E16: page and export."""
    browser = signed_in(app, who)
    for page in ("trail", "trail.csv"):
        assert browser.get(f"/study/{trial.study_id}/{page}").status_code == 403


def test_the_trail_of_another_study_is_no_page(app: Flask) -> None:
    """E16: and neither is the installation's by its name."""
    browser = signed_in(app, "monitor")
    for study in ("none", INSTALLATION):
        assert browser.get(f"/study/{study}/trail").status_code == 404


def test_pages_of_fifty_lead_through_the_whole_trail_and_back(app: Flask, trial: Trial) -> None:
    """E7: newest first, no entry twice, none left out."""
    note(trial, 120)
    browser = signed_in(app, "monitor")
    page = text_of(browser.get(f"/study/{trial.study_id}/trail"))
    assert follow(browser, page, "Newer entries") is None
    seen, pages = [], []
    while page:
        pages.append(numbers(page))
        seen += pages[-1]
        last, page = page, follow(browser, page, "Older entries")
    assert [len(one) for one in pages] == [50, 50, 20]
    assert seen == list(range(120, 0, -1))
    back = []
    page = last
    while page:
        back.append(numbers(page))
        page = follow(browser, page, "Newer entries")
    assert back == pages[::-1]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", 6),
        ("weight", 2),
        ("WEIGHT entered", 2),
        ("weight_entered", 2),
        ("M-001", 3),
        ("participant:m-000", 3),
        ("%", 0),
        ("_", 6),
        ("' OR 1=1 --", 0),
    ],
)
def test_an_event_or_a_subject_is_found(app: Flask, trial: Trial, text: str, found: int) -> None:
    """E7, G13: as text, never as a pattern or a query."""
    note(trial, 2)
    note(trial, 2, "weight_entered")
    note(trial, 2, "card_replaced")
    page = signed_in(app, "monitor").get(
        f"/study/{trial.study_id}/trail", query_string={"text": text}
    )
    assert len(numbers(text_of(page))) == found


@pytest.mark.parametrize("number", ["-1", "x", "9" * 30, "1.5", ""])
def test_a_page_number_that_is_none_shows_the_first_page(
    app: Flask, trial: Trial, number: str
) -> None:
    """G17."""
    note(trial, 3)
    browser = signed_in(app, "monitor")
    for name in ("before", "after"):
        page = browser.get(f"/study/{trial.study_id}/trail", query_string={name: number})
        assert numbers(text_of(page)) == [3, 2, 1]


def test_the_export_holds_every_entry_as_it_was_stored(app: Flask, trial: Trial) -> None:
    """E7, E13: export, read back, compare with the stored bytes and their hashes."""
    note(trial, 60, old={"state": "no"}, new={"state": "yes", "name": "Zoë"}, reason="Because.")
    answer = signed_in(app, "monitor").get(f"/study/{trial.study_id}/trail.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit-trail.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))
    with trial.units.reading() as uow:
        stored = audit.entries(uow.session, trial.study_id, most=1000)[::-1]
    assert len(rows) == len(stored) == 60
    for row, entry in zip(rows, stored, strict=True):
        body = json.loads(entry.body)
        assert (row["number"], row["when_utc"], row["event"]) == (
            str(entry.seq), body["at"], entry.event,
        )  # fmt: skip
        assert (row["who_id"], row["subject"]) == (entry.person_id, entry.subject)
        assert (json.loads(row["old"]), json.loads(row["new"])) == (body["old"], body["new"])
        assert row["reason"] == body["reason"]
        assert row["leaf_sha256"] == leaf_hash(entry.body).hex()


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_an_export_begins_a_formula(app: Flask, trial: Trial, text: str) -> None:
    """ASVS 1.2.10: whatever was typed as a reason."""
    note(trial, 1, reason=text)
    answer = signed_in(app, "monitor").get(f"/study/{trial.study_id}/trail.csv")
    (row,) = csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline=""))
    assert row["reason"] == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=b", "1-2", "'quoted", 'a "b", c', "two\nlines"])
def test_harmless_cells_stay_as_they_are(text: str) -> None:
    """E7: nothing is changed that need not be."""
    page = csv_bytes(["a", "b"], [[text, "x"]]).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(page, newline=""))) == [["a", "b"], [text, "x"]]


def test_reading_a_trail_writes_nothing(app: Flask, trial: Trial) -> None:
    """G11: no state changes on a GET."""
    note(trial, 3)
    browser = signed_in(app, "monitor")
    for page in ("trail", "trail.csv"):
        browser.get(f"/study/{trial.study_id}/{page}")
    assert len(trial.events()) == 3


def test_the_administrator_reads_the_installations_trail(app: Flask, trial: Trial) -> None:
    """E7: sign-ins, accounts and studies made, with names instead of ids."""
    page = text_of(signed_in(app, "administrator").get("/trail"))
    for word in ("Signed in", "Person added", "Roles given", "roles: nurse", "study: MIGHT"):
        assert word in page
    assert "person nurse.test" in page
    assert trial.ids["nurse"] not in page


def test_the_administrator_finds_a_person_by_name(app: Flask, trial: Trial) -> None:
    """E7: by the words on the page, not by an id nobody sees."""
    browser = signed_in(app, "administrator")
    for text in ("Whitfield", "nurse.test", "person nurse.test"):
        page = text_of(browser.get("/trail", query_string={"text": text}))
        assert "person nurse.test" in page
        assert "person monitor.test" not in page


@pytest.mark.parametrize("who", ["monitor", "pharmacist", "nurse"])
def test_nobody_else_reads_the_installations_trail(app: Flask, who: str) -> None:
    """E16."""
    assert signed_in(app, who).get("/trail").status_code == 403


def test_a_release_is_not_told_before_its_moment(app: Flask, trial: Trial) -> None:
    """B10: neither by its entry nor by a number left out, on the page and in the export."""
    bag = trial.bags(trial.planned())[0]
    trial.release(bag.id)
    note(trial, 1)
    monitor = signed_in(app, "monitor")
    for page in ("trail", "trail?text=bag", "trail?after=0", "trail.csv"):
        said = text_of(monitor.get(f"/study/{trial.study_id}/{page}")).lower().replace(" ", "_")
        assert "bag_released" not in said
        assert "noted_by_test" not in said
    released = trial.events()[1]
    trial.clock.at = released.at
    said = text_of(signed_in(app, "monitor").get(f"/study/{trial.study_id}/trail.csv"))
    assert "bag_released" in said
    assert "noted_by_test" in said
