"""The file itself: the same bytes everywhere, embedded fonts, silent metadata, black ink."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from PIL import ImageChops
from reportlab.pdfgen.canvas import Canvas

import labels
from labels.codes import rasters
from labels.layout import CARD_STOCK, INNER, OUTER
from labels.pdf import inner_label_pdf, outer_label_pdf, participant_card_pdf
from tests.labels import samples
from tests.labels.paper import foreign_fonts, words_of
from tests.labels.samples import BAG, TRAINING

PIECES = [
    (samples.BAG, outer_label_pdf, OUTER, 203),
    (samples.INNER, inner_label_pdf, INNER, 203),
    (samples.CARD, participant_card_pdf, CARD_STOCK, 300),
]
FONTS = Path(labels.__file__).parent / "fonts"
PROGRAM = """
import hashlib
from labels.pdf import inner_label_pdf, outer_label_pdf, participant_card_pdf
from tests.labels.samples import BAG, CARD, INNER, LONGEST
for pdf in (outer_label_pdf(LONGEST), inner_label_pdf(INNER), participant_card_pdf(CARD),
            outer_label_pdf(BAG), outer_label_pdf(BAG, 300)):
    print(hashlib.sha256(pdf).hexdigest())
"""


def hashes_of_a_new_process(hash_seed: str, zone: str) -> str:
    """What a fresh interpreter makes of the samples."""
    root = Path(labels.__file__).parent.parent
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=root,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_same_content_is_the_same_bytes_in_any_process() -> None:
    """B12: no clock, zone, hash seed or order of printing in the file."""
    first = hashes_of_a_new_process("1", "America/Chicago")
    assert first == hashes_of_a_new_process("2024", "Asia/Tokyo")
    assert first.splitlines()[3] == hashlib.sha256(outer_label_pdf(BAG)).hexdigest()


def test_the_same_content_is_the_same_bytes_in_any_thread() -> None:
    """B12: several people print at once."""
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: outer_label_pdf(BAG), range(24)))
    assert set(made) == {outer_label_pdf(BAG)}


def test_another_content_is_other_bytes() -> None:
    """B12: the comparison can fail."""
    assert outer_label_pdf(BAG) != outer_label_pdf(replace(BAG, volume="650 mL"))


@pytest.mark.parametrize(("content", "render", "stock", "dpi"), PIECES)
def test_all_fonts_are_embedded(content, render, stock, dpi) -> None:
    """A20: what is printed does not depend on the printer's own fonts."""
    pdf = render(content, dpi)
    assert len(pypdf.PdfReader(BytesIO(pdf)).pages) == 1
    assert foreign_fonts(pdf) == []
    assert b"Helvetica" not in pdf


def test_a_font_that_is_not_embedded_is_seen() -> None:
    """A20: the check bites; reportlab lists Helvetica unless told otherwise."""
    buffer = BytesIO()
    canvas = Canvas(buffer)
    canvas.drawString(10, 10, "600 mL")
    canvas.save()
    assert foreign_fonts(buffer.getvalue()) == ["/Helvetica"]


@pytest.mark.parametrize(("content", "render", "stock", "dpi"), PIECES)
def test_the_metadata_names_no_one(content, render, stock, dpi) -> None:
    """B12, B15: the same for any content, and nothing of the content in it."""
    one = pypdf.PdfReader(BytesIO(render(content, dpi)))
    two = pypdf.PdfReader(BytesIO(render(replace(content, participant="M-777"), dpi)))
    assert one.metadata == two.metadata
    said = " ".join(str(value) for value in one.metadata.values())
    for secret in (content.participant, content.code, content.protocol_code):
        assert secret not in said
    assert "ReportLab" not in said
    assert "/Metadata" not in one.trailer["/Root"]


@pytest.mark.parametrize(("content", "render", "stock", "dpi"), PIECES)
def test_ink_is_black_or_absent(content, render, stock, dpi) -> None:
    """A24, B1: no colour and no grey, which a thermal printer would turn into dots."""
    pdf = render(replace(content, watermark=TRAINING), dpi)
    drawn = pypdf.PdfReader(BytesIO(pdf)).pages[0].get_contents().get_data().decode("latin-1")
    drawn = re.sub(r"\((?:\\.|[^\\()])*\)", "", drawn)  # texts, which may hold "60 g"
    shades = re.findall(r"(?<![\w.])([\d. ]+) (?:g|G|rg|RG|k|K)(?=\s)", drawn)
    assert shades
    assert {value for shade in shades for value in shade.split()} <= {"0", "1"}


@pytest.mark.parametrize(("content", "render", "stock", "dpi"), PIECES)
def test_a_practice_piece_says_so_and_a_live_one_does_not(content, render, stock, dpi) -> None:
    """C7: the watermark is on every piece of a practice study, in its own band and nowhere else."""
    live, practice = render(content, dpi), render(replace(content, watermark=TRAINING), dpi)
    assert TRAINING in words_of(practice)
    assert "TRAINING" not in words_of(live)
    (with_band,), (without,) = rasters(practice, dpi), rasters(live, dpi)
    left, top, right, bottom = ImageChops.difference(with_band, without).getbbox()
    band = stock.band
    dot = 25.4 / dpi
    assert left * dot >= band.x_mm - dot
    assert top * dot >= band.y_mm - dot
    assert right * dot <= band.x_mm + band.width_mm + dot
    assert bottom * dot <= band.y_mm + band.height_mm + dot
    assert (right - left) * (bottom - top) * dot * dot > 350
    assert without.crop((left, top, right, bottom)).getextrema() == (255, 255)


def test_the_fonts_are_the_ones_described() -> None:
    """The font files match the hashes in their README, and their licence lies beside them."""
    readme = (FONTS / "README.md").read_text()
    listed = dict(re.findall(r"`(\S+\.ttf)` \| `([0-9a-f]{64})`", readme))
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FONTS.glob("*.ttf")
    }
    assert listed == found
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "OFL.txt").read_text()
