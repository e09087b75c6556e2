"""The two labels as the bench prints them: when, how often, and the same in both arms."""

from __future__ import annotations

import pypdfium2
import pytest

from labels.codes import read_back
from pharmacy.domain.bag_code import Piece
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.services import printing
from pharmacy.unblinded import bench
from pharmacy.unblinded.bag_record import Stage
from pharmacy.unblinded.bench import MASKING
from tests.support.lit_builders import LitStudy, open_study
from tests.support.world import build_app
from tests.unblinded.bench_acts import (
    ALL_MASKED,
    IVIG_FIRST,
    SALINE_FIRST,
    AtBench,
    a_bag,
)


@pytest.fixture
def at(sqlite_url) -> AtBench:
    return a_bag(open_study(sqlite_url))


def _refused(at: AtBench, verb, *args) -> str:
    with pytest.raises(Refusal) as refused:
        at.do("pharmacist", verb, *args)
    return refused.value.sentence


def _pdf(at: AtBench, verb) -> bytes:
    room = at.study.room("pharmacist")
    with at.study.trial.look("pharmacist") as act:
        content: bytes = verb(act, room, at.bag_id)
    return content


def _text(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    try:
        page = document[0]
        text = page.get_textpage()
        found = text.get_text_range()
        text.close()
        page.close()
    finally:
        document.close()
    return found


def test_the_labels_are_the_same_bytes_in_both_arms(new_sqlite_url):
    """B1 to B16: the list alone differs, and what was drawn with it; not one byte of paper does."""
    papers, drawn = [], []
    for arms in (IVIG_FIRST, SALINE_FIRST):
        at = a_bag(open_study(new_sqlite_url(), arms=arms))
        inner = _pdf(at, bench.inner_pdf)
        at.checked()
        at.do("pharmacist", bench.print_cover)
        papers.append((inner, _pdf(at, bench.cover_pdf)))
        drawn.append([line.product.key for line in at.pick_list().lines])

    assert drawn[0] != drawn[1]
    assert papers[0] == papers[1]


def test_another_code_is_another_paper(new_sqlite_url):
    one, other = (
        _pdf(a_bag(open_study(new_sqlite_url()), code), bench.inner_pdf)
        for code in ("M-002", "M-003")
    )

    assert one != other


def test_nothing_of_the_sources_is_on_the_paper(at):
    """B2, B3: no brand, GTIN, lot, expiry or count of what was drawn."""
    at.checked()
    at.do("pharmacist", bench.print_cover)
    text = _text(_pdf(at, bench.cover_pdf))

    for line in at.pick_list().lines:
        assert line.product.name not in text
        assert not any(gtin in text for gtin in line.product.gtins)
    assert "K230A7711" not in text
    assert "Octagam" not in text
    assert "PH/CH" in text
    assert "TRAINING - NOT FOR HUMAN USE" in text


def test_the_printed_code_reads_back(at):
    at.checked()
    at.do("pharmacist", bench.print_cover)
    reads = read_back(_pdf(at, bench.cover_pdf))

    assert [read.text for read in reads] == [at.code(Piece.OUTER_COVER)] * 2


def test_no_cover_label_before_two_signatures(at):
    """A18: nothing to stick on before preparation and check are signed."""
    at.prepared()

    assert "Two people sign" in _refused(at, bench.print_cover)
    with pytest.raises(Refusal, match="not being printed"):
        _pdf(at, bench.cover_pdf)
    at.draw("checker")
    assert "Two people sign" in _refused(at, bench.print_cover)


def test_no_cover_pdf_without_a_recorded_print(at):
    at.checked()

    with pytest.raises(Refusal, match="not being printed"):
        _pdf(at, bench.cover_pdf)
    at.do("pharmacist", bench.print_cover)
    assert _pdf(at, bench.cover_pdf).startswith(b"%PDF")


def test_no_second_print_once_the_cover_is_on(at):
    at.covered()

    with pytest.raises(Refusal, match="not being printed"):
        _pdf(at, bench.cover_pdf)
    assert "Two people sign" in _refused(at, bench.print_cover)


def test_no_second_inner_label_once_it_is_on(at):
    assert _pdf(at, bench.inner_pdf).startswith(b"%PDF")
    at.apply_inner()

    with pytest.raises(Refusal, match="needs a reprint"):
        _pdf(at, bench.inner_pdf)


def test_a_label_that_does_not_read_back_is_not_printed(at, monkeypatch):
    """A25: refused with the label's sentence, and no print is recorded."""
    at.checked()

    def unreadable(_content: object) -> bytes:
        raise Refusal("The code on this label does not read back.")

    monkeypatch.setattr(printing, "to_pdf", unreadable)

    assert "does not read back" in _refused(at, bench.print_cover)
    assert at.record().stage is Stage.CHECKED
    assert "printed" not in [entry["event"] for entry in at.trail()]


@pytest.mark.parametrize("wrong", ["inner", "cover", "swapped", "other bag"])
def test_inner_and_cover_must_belong_together(at, wrong):
    at.checked()
    at.do("pharmacist", bench.print_cover)
    inner, cover = at.code(Piece.INNER_CONTAINER), at.code(Piece.OUTER_COVER)
    other = AtBench(at.study, at.study.bags(at.study.planned("M-007"))[0].id)
    pairs = {
        "inner": ("T2AAAA", cover),
        "cover": (inner, "T1AAAA"),
        "swapped": (cover, inner),
        "other bag": (other.code(Piece.INNER_CONTAINER), cover),
    }
    sentence = _refused(at, bench.put_cover_on, *pairs[wrong], "S-1", ALL_MASKED)

    assert "of this bag" in sentence
    assert at.record().stage is Stage.PRINTED
    assert at.record().history[-1]["what"] == "cover refused"


def test_every_masking_step_and_a_seal_are_asked_for(at):
    at.checked()
    at.do("pharmacist", bench.print_cover)
    pieces = at.code(Piece.INNER_CONTAINER), at.code(Piece.OUTER_COVER)
    for name, _ in MASKING:
        with pytest.raises(BadForm) as wrong:
            at.do("pharmacist", bench.put_cover_on, *pieces, "S-1", ALL_MASKED - {name})
        assert set(wrong.value.errors) == {"masked"}
    with pytest.raises(BadForm) as wrong:
        at.do("pharmacist", bench.put_cover_on, *pieces, " ", ALL_MASKED)

    assert set(wrong.value.errors) == {"seal_number"}


def test_the_page_prints_then_shows_the_paper(at, sqlite_url, tmp_path):
    """B12: the file's name and address tell the piece of paper and nothing else."""
    study: LitStudy = at.study
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    at.checked()
    browser = study.lit_browser(app, "pharmacist")
    path = browser.lit(f"bags/{at.bag_id}")
    refused = browser.get(f"{path}/cover-label.pdf")
    printed = browser.post(f"{path}/cover-label")
    paper = browser.get(f"{path}/cover-label.pdf")

    assert refused.status_code == 409
    assert printed.status_code == 303
    assert "Open the cover label" in browser.get(path).text
    assert paper.headers["Content-Type"] == "application/pdf"
    assert paper.headers["Content-Disposition"] == 'inline; filename="cover-label.pdf"'
    assert paper.headers["Cache-Control"] == "no-store"
