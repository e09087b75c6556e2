"""The packing list: what it says, in what type, what it has no place for, and no code to scan."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import fields, replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageChops

import labels
from labels import layout, packing
from labels.codes import Symbol, rasters, read_back
from labels.content import PackedBag, PackingList
from labels.errors import LabelIncomplete, LabelOverflow, LabelUnreadable
from labels.layout import PACKED_COLUMNS, PAPER, Spot
from labels.packing import packing_list_pdf
from labels.pdf import outer_label_pdf
from labels.sheet import Sheet
from tests.labels.paper import foreign_fonts, glyphs_of, setting_of, words_of
from tests.labels.samples import CODE, LONGEST, LONGEST_PAPER, PAPER_OF_TWO, TRAINING
from tests.labels.test_facts import BANNED

SAMPLES = [PAPER_OF_TWO, LONGEST_PAPER]
TEXTS = [field.name for field in fields(PackingList) if field.name != "bags"]
PROGRAM = """
import hashlib
from labels.packing import packing_list_pdf
from tests.labels.samples import LONGEST_PAPER, PAPER_OF_TWO
for paper in (LONGEST_PAPER, PAPER_OF_TWO):
    print(hashlib.sha256(packing_list_pdf(paper)).hexdigest())
"""


def texts_of(paper: PackingList) -> list[str]:
    """Every finished text of a packing list."""
    own = [getattr(paper, name) for name in TEXTS]
    rows = [getattr(bag, field.name) for bag in paper.bags for field in fields(PackedBag)]
    return [text for text in [*own, *rows] if text]


@pytest.mark.parametrize("paper", SAMPLES)
def test_every_text_is_on_the_page_whole(paper: PackingList) -> None:
    """A5, A6, A9, A10, A13, A15, K1: what is in the box, for whom, until when, whom to call."""
    page = words_of(packing_list_pdf(paper))
    for text in texts_of(paper):
        assert text in page
    for caption in (layout.COURIER, layout.NURSE, layout.SIGNATURE, layout.ARRIVED):
        assert caption in page


def test_each_row_reads_across() -> None:
    """K1: a bag, its code, its volume and its limit stand in one line, bag after bag."""
    page = words_of(packing_list_pdf(PAPER_OF_TWO))
    for bag in PAPER_OF_TWO.bags:
        assert f"{bag.bag_n_of_n} {bag.code} {bag.volume} {bag.start_by}" in page


def test_the_paper_is_a_closed_list() -> None:
    """B1 to B15, K12: no field for a name, a home, a weight, a product, a lot, a time of work."""
    assert {field.name for field in fields(PackingList)} == {
        "pharmacy_name", "pharmacy_phone", "unblinding_phone", "protocol_code", "participant",
        "visit_and_day", "bag_count", "bags", "stop_by", "storage", "not_with_it", "watermark",
    }  # fmt: skip
    assert {field.name for field in fields(PackedBag)} == {
        "bag_n_of_n", "code", "volume", "start_by",
    }  # fmt: skip


@pytest.mark.parametrize("paper", SAMPLES)
def test_no_code_can_be_scanned_from_it(paper: PackingList) -> None:
    """K8, L8: a code on paper could be scanned in a bag's place; a label's own are found."""
    assert read_back(packing_list_pdf(paper)) == ()
    assert read_back(packing_list_pdf(paper, 203), 203) == ()
    assert len(read_back(outer_label_pdf(LONGEST))) == 2


@pytest.mark.parametrize("symbol", list(Symbol))
def test_a_paper_with_a_code_on_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, symbol: Symbol
) -> None:
    """K8: the look for codes stands inside the drawing, so no caller can leave it out."""
    with_a_spot = replace(PAPER, symbols={symbol: Spot(60.0, 160.0)})
    closed = Sheet.finished_without_code

    def with_a_code(sheet: Sheet, watermark: str) -> bytes:
        sheet._draw(symbol, CODE)
        return closed(sheet, watermark)

    monkeypatch.setattr(packing, "PAPER", with_a_spot)
    monkeypatch.setattr(Sheet, "finished_without_code", with_a_code)
    with pytest.raises(LabelUnreadable, match="does not belong"):
        packing_list_pdf(replace(PAPER_OF_TWO))


@pytest.mark.parametrize("paper", SAMPLES)
def test_the_key_facts_are_bold_and_12_point_or_more(paper: PackingList) -> None:
    """A20, A21: who, which bags, how much, until when."""
    pdf = packing_list_pdf(paper)
    key = [paper.participant, paper.stop_by, paper.visit_and_day]
    rows = [f"{bag.code}{bag.volume}{bag.start_by}" for bag in paper.bags]
    for text in [*key, *rows]:
        setting = setting_of(pdf, text)[20 if text in rows else 0 :]
        assert min(glyph.size for glyph in setting) >= 12
        assert all("Bold" in glyph.font for glyph in setting)


@pytest.mark.parametrize("paper", SAMPLES)
def test_type_is_never_small_slanted_or_off_the_paper(paper: PackingList) -> None:
    """A20, A25: 8 point at least, upright, and clear of the edges that printers leave white."""
    for glyph in glyphs_of(packing_list_pdf(paper)):
        assert glyph.size >= 8
        assert "Italic" not in glyph.font
        assert "Oblique" not in glyph.font
        assert glyph.box[0] > 12 * layout.MM
        assert glyph.box[2] < (PAPER.width_mm - 12) * layout.MM
        assert glyph.box[1] > 8 * layout.MM
        assert glyph.box[3] < (PAPER.height_mm - 6) * layout.MM


def test_it_fits_letter_and_a4() -> None:
    """One page, no wider than A4 and no higher than Letter."""
    (page,) = pypdf.PdfReader(BytesIO(packing_list_pdf(LONGEST_PAPER))).pages
    assert float(page.mediabox.width) <= 210 * layout.MM + 0.01
    assert float(page.mediabox.height) <= 11 * 72


@pytest.mark.parametrize("paper", SAMPLES)
def test_it_passes_the_ban(paper: PackingList) -> None:
    """A22, A23: no misread token; the other tests show that the ban bites."""
    assert not BANNED.search(words_of(packing_list_pdf(paper)))


def test_the_key_facts_keep_their_place() -> None:
    """A24: the same position on every packing list, whatever its texts."""
    first, second = packing_list_pdf(PAPER_OF_TWO), packing_list_pdf(LONGEST_PAPER)
    for name in ("participant", "stop_by", "storage"):
        one = setting_of(first, getattr(PAPER_OF_TWO, name))[0].box
        two = setting_of(second, getattr(LONGEST_PAPER, name))[0].box
        assert abs(one[0] - two[0]) < 1
        assert abs(one[1] - two[1]) < 1


def test_the_columns_do_not_touch() -> None:
    """A25: no text of one column may run into the next."""
    places = sorted(PACKED_COLUMNS.values())
    for (left, width), (then, _) in pairwise(places):
        assert left + width <= then
    assert sum(places[-1]) <= PAPER.width_mm - PAPER.margin_mm


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("text", ["W" * 300, "long words " * 150], ids=["a word", "words"])
def test_the_field_that_does_not_fit_is_named(name: str, text: str) -> None:
    """A25: the error names the field and does not quote the text."""
    with pytest.raises(LabelOverflow) as refused:
        packing_list_pdf(replace(PAPER_OF_TWO, **{name: text}))
    assert refused.value.field == name
    assert "long words" not in refused.value.sentence


@pytest.mark.parametrize("name", ["bag_n_of_n", "volume", "start_by"])
@pytest.mark.parametrize("text", ["W" * 60, "long words " * 20], ids=["a word", "words"])
def test_a_cell_that_does_not_fit_is_refused(name: str, text: str) -> None:
    """A25: a row has one line; nothing runs into its neighbour or the row below."""
    bag = replace(PAPER_OF_TWO.bags[0], **{name: text})
    with pytest.raises(LabelOverflow) as refused:
        packing_list_pdf(replace(PAPER_OF_TWO, bags=(bag,)))
    assert refused.value.field == "bags"


def test_twelve_bags_fit_and_thirteen_are_refused() -> None:
    """A25: never a bag left off the paper."""
    assert len(LONGEST_PAPER.bags) == 12
    with pytest.raises(LabelOverflow) as refused:
        packing_list_pdf(replace(LONGEST_PAPER, bags=LONGEST_PAPER.bags[:1] * 13))
    assert refused.value.field == "bags"


@given(
    name=st.sampled_from(TEXTS),
    words=st.lists(st.text(alphabet="AaWwil19", min_size=1, max_size=12), min_size=1, max_size=40),
)
@settings(max_examples=60, deadline=None)
def test_printed_whole_or_not_at_all(name: str, words: list[str]) -> None:
    """A25: for any text of any field."""
    text = " ".join(words)
    try:
        pdf = packing_list_pdf(replace(PAPER_OF_TWO, **{name: text}))
    except LabelOverflow:
        return
    assert text in words_of(pdf)


@pytest.mark.parametrize("name", ["pharmacy_name", "pharmacy_phone", "unblinding_phone"])
def test_what_fits_a_label_fits_the_paper(name: str) -> None:
    """A25: a site's texts are tried on the labels when the study is made; that is enough here."""
    longest = ""
    while True:
        try:
            outer_label_pdf(replace(LONGEST, **{name: longest + "W" or "-"}))
        except LabelOverflow:
            break
        longest += "W"
    assert len(longest) > 5
    assert longest in words_of(packing_list_pdf(replace(LONGEST_PAPER, **{name: longest})))


@pytest.mark.parametrize("name", [n for n in TEXTS if n not in ("not_with_it", "watermark")])
def test_an_empty_text_is_refused_by_name(name: str) -> None:
    """A5 to A15: a required text left empty or blank makes no paper."""
    for empty in ("", "  "):
        with pytest.raises(LabelIncomplete) as refused:
            replace(PAPER_OF_TWO, **{name: empty})
        assert refused.value.field == name


@pytest.mark.parametrize("field", [field.name for field in fields(PackedBag)])
def test_an_empty_cell_or_no_bag_at_all_is_refused(field: str) -> None:
    """K1: a paper without its bags says nothing."""
    gap = replace(PAPER_OF_TWO.bags[0], **{field: " "})
    for bags in ((gap,), ()):
        with pytest.raises(LabelIncomplete) as refused:
            replace(PAPER_OF_TWO, bags=bags)
        assert refused.value.field == "bags"


@pytest.mark.parametrize("code", ["T1K7", CODE.lower(), CODE + "A", "T1K7 XQ9M B4VZ 2WD8 RHC-"])
def test_a_malformed_code_is_refused(code: str) -> None:
    """A12: twenty capital letters and digits in their groups."""
    bag = replace(PAPER_OF_TWO.bags[0], code=code)
    with pytest.raises(LabelUnreadable) as refused:
        replace(PAPER_OF_TWO, bags=(bag,))
    assert code not in refused.value.sentence


def test_all_fonts_are_embedded() -> None:
    """A20: what is printed does not depend on the printer's own fonts."""
    pdf = packing_list_pdf(LONGEST_PAPER)
    assert foreign_fonts(pdf) == []
    assert b"Helvetica" not in pdf


def test_the_metadata_names_no_one() -> None:
    """B12, B15: the same for any content."""
    one = pypdf.PdfReader(BytesIO(packing_list_pdf(PAPER_OF_TWO)))
    two = pypdf.PdfReader(BytesIO(packing_list_pdf(LONGEST_PAPER)))
    assert one.metadata == two.metadata
    said = " ".join(str(value) for value in one.metadata.values())
    for secret in (PAPER_OF_TWO.participant, PAPER_OF_TWO.protocol_code, CODE, "ReportLab"):
        assert secret not in said
    assert "/Metadata" not in one.trailer["/Root"]


def test_ink_is_black_or_absent() -> None:
    """B5: no colour and no grey, in either arm."""
    pdf = packing_list_pdf(LONGEST_PAPER)
    drawn = pypdf.PdfReader(BytesIO(pdf)).pages[0].get_contents().get_data().decode("latin-1")
    drawn = re.sub(r"\((?:\\.|[^\\()])*\)", "", drawn)
    shades = re.findall(r"(?<![\w.])([\d. ]+) (?:g|G|rg|RG|k|K)(?=\s)", drawn)
    assert shades
    assert {value for shade in shades for value in shade.split()} <= {"0", "1"}


def test_a_practice_paper_says_so_and_a_live_one_does_not() -> None:
    """C7: in its own band, which is white on a live paper, and nowhere else."""
    live = packing_list_pdf(PAPER_OF_TWO)
    practice = packing_list_pdf(replace(PAPER_OF_TWO, watermark=TRAINING))
    assert TRAINING in words_of(practice)
    assert "TRAINING" not in words_of(live)
    (with_band,), (without,) = rasters(practice, 203), rasters(live, 203)
    box = ImageChops.difference(with_band, without).getbbox()
    dot, band = 2 * 25.4 / 203, PAPER.band
    assert box[0] * dot / 2 >= band.x_mm - dot
    assert box[1] * dot / 2 >= band.y_mm - dot
    assert box[2] * dot / 2 <= band.x_mm + band.width_mm + dot
    assert box[3] * dot / 2 <= band.y_mm + band.height_mm + dot
    assert without.crop(box).getextrema() == (255, 255)


def test_the_same_content_is_the_same_bytes_in_any_process() -> None:
    """B12: no clock, zone, hash seed or order of printing in the file."""

    def of_a_new_process(hash_seed: str, zone: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=Path(labels.__file__).parent.parent,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    first = of_a_new_process("1", "America/Chicago")
    assert first == of_a_new_process("2024", "Asia/Tokyo")
    here = hashlib.sha256(packing_list_pdf(PAPER_OF_TWO)).hexdigest()
    assert first.splitlines()[1] == here
    assert packing_list_pdf(PAPER_OF_TWO) != packing_list_pdf(
        replace(PAPER_OF_TWO, bag_count="1 bag")
    )
