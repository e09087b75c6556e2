"""The two symbols: size, quiet zone, reading back, and what must not pass."""

from __future__ import annotations

from dataclasses import replace

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from labels import pdf as pdf_module
from labels.codes import Symbol, dots_per_module, module_matrix, rasters, read_back, verify
from labels.errors import LabelUnreadable
from labels.layout import CARD_STOCK, INNER, OUTER, Zone
from labels.pdf import inner_label_pdf, outer_label_pdf, participant_card_pdf
from tests.labels import samples
from tests.labels.paper import stamped
from tests.labels.samples import BAG, CARD, CODE

BOTH = (Symbol.QR, Symbol.DATA_MATRIX)
OTHER = "T1K7XQ9MB4VZ2WD8RHC7"
CODES = st.text(alphabet="0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=20, max_size=20)
LABELS = [
    (samples.BAG, outer_label_pdf, OUTER),
    (samples.LONGEST, outer_label_pdf, OUTER),
    (samples.INNER, inner_label_pdf, INNER),
    (samples.CARD, participant_card_pdf, CARD_STOCK),
]


@given(code=CODES)
@settings(max_examples=150, deadline=None)
def test_any_code_has_the_same_size_and_is_read_by_the_other_library(code) -> None:
    """B9, L8: size constant over all codes; encoder and decoder are independent."""
    for symbol in BOTH:
        modules = module_matrix(symbol, code)
        assert {len(row) for row in modules} | {len(modules)} == {symbol.side}
        picture = Image.new("L", (symbol.side + 8, symbol.side + 8), 255)
        for y, row in enumerate(modules):
            for x, dark in enumerate(row):
                if dark:
                    picture.putpixel((x + 4, y + 4), 0)
        big = picture.resize((picture.width * 5, picture.height * 5), Image.Resampling.NEAREST)
        assert [found.text for found in zxingcpp.read_barcodes(big)] == [code]


@pytest.mark.parametrize("code", ["0" * 20, "W" * 20, "M" * 20, "Q1" * 10])
def test_the_hardest_codes_fit_every_piece(code) -> None:
    """A25, B9: no valid code is too wide to print."""
    for content, render, _ in LABELS:
        render(replace(content, code=code))


@pytest.mark.parametrize(
    ("symbol", "dpi", "dots"),
    [
        (Symbol.QR, 203, 7), (Symbol.QR, 300, 11), (Symbol.QR, 600, 21),
        (Symbol.DATA_MATRIX, 203, 4), (Symbol.DATA_MATRIX, 300, 6),
    ],
)
def test_modules_are_whole_dots_and_large_enough(symbol, dpi, dots) -> None:
    """L5: 18 mm and 9 mm at least, no module under 0.375 mm."""
    assert dots_per_module(symbol, dpi) == dots
    module_mm = dots * 25.4 / dpi
    assert module_mm * symbol.side >= symbol.least_mm
    assert module_mm >= 0.375


@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize(("content", "render", "stock"), LABELS)
def test_symbols_read_back_at_the_printer_s_dots(content, render, stock, dpi) -> None:
    """L8: each symbol once, exact, its quiet zone clear, its box the promised number of dots."""
    reads = read_back(render(content, dpi), dpi)
    assert {read.symbol for read in reads} == set(stock.symbols)
    assert len(reads) == len(stock.symbols)
    for read in reads:
        assert read.text == content.code
        assert read.quiet_zone_clear
        assert read.modules == module_matrix(read.symbol, content.code)
        side = read.symbol.side * dots_per_module(read.symbol, dpi)
        assert (read.box[2] - read.box[0], read.box[3] - read.box[1]) == (side, side)
        spot = stock.symbols[read.symbol]
        assert read.box[0] == round(spot.x_mm * dpi / 25.4)
        assert read.box[1] == round(spot.y_mm * dpi / 25.4)


@pytest.mark.parametrize(("made", "printed"), [(203, 300), (300, 203), (203, 600), (300, 600)])
@pytest.mark.parametrize(("content", "render", "stock"), LABELS)
def test_symbols_decode_on_another_printer(content, render, stock, made, printed) -> None:
    """L8: a label made for one printer still decodes on another."""
    reads = read_back(render(content, made), printed)
    assert sorted(read.text for read in reads) == [content.code] * len(stock.symbols)


@pytest.mark.parametrize("dpi", [203, 300])
def test_a_page_is_whole_dots(dpi) -> None:
    """L5: the raster is the stock in printer dots, so that no scaling blurs a module."""
    (page,) = rasters(outer_label_pdf(BAG, dpi), dpi)
    assert page.size == (4 * dpi, 6 * dpi)
    (card,) = rasters(participant_card_pdf(CARD, dpi), dpi)
    assert card.size == (round(85.6 * dpi / 25.4), round(54 * dpi / 25.4))


def test_another_code_is_refused() -> None:
    """L8: a label that carries any code but the wanted one."""
    with pytest.raises(LabelUnreadable, match="another code"):
        verify(outer_label_pdf(BAG), OTHER, BOTH)


@pytest.mark.parametrize(
    ("x_mm", "y_mm", "title"),
    [
        (4.5, 119.2, "QR code"),      # above
        (23.4, 130.0, "QR code"),     # to the right, in the outer modules of its quiet zone
        (1.2, 130.0, "QR code"),      # to the left
        (38.6, 126.0, "Data Matrix"), # touching on the right
    ],
)
def test_print_in_a_quiet_zone_is_refused(x_mm, y_mm, title) -> None:
    """L5, L8: text near a symbol, even where the decoder here still reads it."""
    with pytest.raises(LabelUnreadable, match=title):
        verify(stamped(outer_label_pdf(BAG), x_mm, y_mm, text="ii"), CODE, BOTH)


@pytest.mark.parametrize("symbol", BOTH)
def test_one_damaged_module_is_refused(symbol) -> None:
    """L8: error correction hides a wrong module from the decoder, not from the check."""
    spot = OUTER.symbols[symbol]
    module_mm = dots_per_module(symbol, 203) * 25.4 / 203
    modules = module_matrix(symbol, CODE)
    row = symbol.side - 6
    column = next(x for x in range(8, symbol.side) if modules[row][x])
    damaged = stamped(
        outer_label_pdf(BAG),
        spot.x_mm + column * module_mm,
        spot.y_mm + row * module_mm,
        white_mm=module_mm,
    )
    assert CODE in [read.text for read in read_back(damaged) if read.symbol is symbol]
    with pytest.raises(LabelUnreadable, match="damaged module"):
        verify(damaged, CODE, BOTH)


@pytest.mark.parametrize("symbol", BOTH)
def test_an_unreadable_symbol_is_refused(symbol) -> None:
    """L8: covered beyond repair."""
    spot = OUTER.symbols[symbol]
    covered = stamped(outer_label_pdf(BAG), spot.x_mm, spot.y_mm, black_mm=symbol.least_mm * 0.6)
    with pytest.raises(LabelUnreadable, match=symbol.title):
        verify(covered, CODE, BOTH)


def test_a_missing_or_a_foreign_symbol_is_refused() -> None:
    """L8: exactly the expected symbols, no fewer, no more."""
    verify(participant_card_pdf(CARD), CODE, (Symbol.QR,), 300)
    with pytest.raises(LabelUnreadable, match="Data Matrix"):
        verify(participant_card_pdf(CARD), CODE, BOTH, 300)
    with pytest.raises(LabelUnreadable, match="does not belong"):
        verify(outer_label_pdf(BAG), CODE, (Symbol.QR,))


def test_a_layout_that_crowds_a_symbol_prints_nothing(monkeypatch) -> None:
    """L8: the check stands inside the rendering, so no caller can leave it out."""
    crowded = replace(OUTER, zones={**OUTER.zones, "code": Zone(38.4, 117.4, 55.6, 16.0)})
    monkeypatch.setattr(pdf_module, "OUTER", crowded)
    with pytest.raises(LabelUnreadable):
        outer_label_pdf(BAG)


@pytest.mark.parametrize("code", ["T1K7XQ9MB4VZ2WD8RHC67", "T1K7 é"])
def test_what_the_symbol_cannot_hold_is_refused(code) -> None:
    """B9: never a larger symbol."""
    with pytest.raises(LabelUnreadable):
        module_matrix(Symbol.QR, code)
    with pytest.raises(LabelUnreadable):
        module_matrix(Symbol.DATA_MATRIX, code * 2)
