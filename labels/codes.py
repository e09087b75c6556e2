"""QR and Data Matrix: their modules, their size on paper, and reading a rendered label back.

Sizes follow the measurements in the design: a QR of level M, version 1, at least 18 mm, and a
Data Matrix of 18 x 18 modules, at least 9 mm, both of the same 20 characters. Modules are whole
printer dots, since a module between dots grows by one dot on some rasterisers, and none is under
0.375 mm. The decoder (zxing-cpp) shares no code with the encoders (segno, ppf.datamatrix).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import ceil

import pypdfium2
import segno
import zxingcpp
from PIL import Image, ImageChops
from ppf.datamatrix import DataMatrix

from labels.errors import LabelUnreadable

Modules = tuple[tuple[bool, ...], ...]

SMALLEST_MODULE_MM = Fraction(375, 1000)
_MM_PER_INCH = Fraction(254, 10)

# PDFium must not be entered by two threads at once.
_PDFIUM = threading.Lock()


class Symbol(Enum):
    """The two symbologies a label carries: modules a side, least side in mm, quiet modules."""

    QR = ("QR code", 21, 18, 4)
    DATA_MATRIX = ("Data Matrix", 18, 9, 2)

    def __init__(self, title: str, side: int, least_mm: int, quiet: int) -> None:
        self.title = title
        self.side = side
        self.least_mm = least_mm
        self.quiet = quiet


@dataclass(frozen=True)
class CodeRead:
    """One symbol as the decoder found it: its text, its modules, its box (x0, y0, x1, y1) in
    pixels, and whether the quiet zone around it is white."""

    symbol: Symbol
    text: str
    box: tuple[int, int, int, int]
    modules: Modules
    quiet_zone_clear: bool


def module_matrix(symbol: Symbol, code: str) -> Modules:
    """The dark modules of `code`, row by row, without quiet zone; always the symbol's own size.

    Raises `LabelUnreadable` for a text that the symbol's fixed size cannot hold.
    """
    try:
        if symbol is Symbol.QR:
            drawn = segno.make_qr(
                code, error="m", version=1, mode="alphanumeric", boost_error=False
            ).matrix
        else:
            # One fixed encodation: the shortest of several would make the size follow the code.
            drawn = DataMatrix(code, codecs=["C40"]).matrix
    except ValueError as refused:
        raise _unfit(symbol) from refused
    modules = tuple(tuple(bool(module) for module in row) for row in drawn)
    if len(modules) != symbol.side or any(len(row) != symbol.side for row in modules):
        raise _unfit(symbol)
    return modules


def dots_per_module(symbol: Symbol, dpi: int) -> int:
    """Fewest whole printer dots that keep the symbol's least side and the smallest module."""
    module_mm = max(Fraction(symbol.least_mm, symbol.side), SMALLEST_MODULE_MM)
    return ceil(module_mm * dpi / _MM_PER_INCH)


def read_back(pdf: bytes, dpi: int = 203) -> tuple[CodeRead, ...]:
    """Every QR code and Data Matrix on the PDF's pages, rasterised to black and white at `dpi`."""
    formats = [zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.DataMatrix]
    reads: list[CodeRead] = []
    for page in rasters(pdf, dpi):
        for found in zxingcpp.read_barcodes(page, formats=formats, try_invert=False):
            reads.append(_code_read(page, found))
    return tuple(reads)


def verify(pdf: bytes, code: str, symbols: tuple[Symbol, ...], dpi: int = 203) -> None:
    """Return only if the PDF shows exactly `symbols`, each once, and each reads back as `code`,
    module for module, with a clear quiet zone. Raises `LabelUnreadable` otherwise (L8).
    """
    reads = read_back(pdf, dpi)
    for symbol in symbols:
        matching = [read for read in reads if read.symbol is symbol]
        if len(matching) != 1:
            raise _unreadable(symbol, "does not read back")
        if matching[0].text != code:
            raise _unreadable(symbol, "reads back as another code")
        if not matching[0].quiet_zone_clear:
            raise _unreadable(symbol, "has print in its quiet zone")
        if matching[0].modules != module_matrix(symbol, code):
            raise _unreadable(symbol, "has a damaged module")
    for read in reads:
        if read.symbol not in symbols:
            raise _unreadable(read.symbol, "does not belong on this label")


def rasters(pdf: bytes, dpi: int) -> list[Image.Image]:
    """The PDF's pages in pure black and white, one pixel a printer dot, as PIL images mode L."""
    pages: list[Image.Image] = []
    with _PDFIUM:
        document = pypdfium2.PdfDocument(pdf)
        try:
            for page in document:
                # PDFium rounds the page up to whole pixels; the hair keeps a page of whole dots.
                grey = page.render(scale=dpi / 72 * (1 - 1e-6), grayscale=True).to_pil()
                pages.append(grey.convert("L").point(lambda shade: 255 if shade >= 128 else 0))
        finally:
            document.close()
    return pages


def _code_read(page: Image.Image, found: zxingcpp.Barcode) -> CodeRead:
    symbol = Symbol.QR if found.format == zxingcpp.BarcodeFormat.QRCode else Symbol.DATA_MATRIX
    corners = (
        found.position.top_left,
        found.position.top_right,
        found.position.bottom_right,
        found.position.bottom_left,
    )
    xs, ys = [corner.x for corner in corners], [corner.y for corner in corners]
    module = max(1, (max(xs) - min(xs)) // symbol.side)
    rough = (min(xs), min(ys), max(xs) + 1, max(ys) + 1)
    dark = ImageChops.invert(page)
    box = _tight(dark, _grown(rough, module // 2)) or rough
    return CodeRead(
        symbol, found.text, box, _sampled(page, box, symbol.side), _clear(dark, box, symbol)
    )


def _clear(dark: Image.Image, box: tuple[int, int, int, int], symbol: Symbol) -> bool:
    """Whether the ring around `box`, less a quarter module for rounding, has no dark pixel and
    lies on the page."""
    side = max(box[2] - box[0], box[3] - box[1])
    outer = _grown(box, side * (4 * symbol.quiet - 1) // (4 * symbol.side))
    if outer[0] < 0 or outer[1] < 0 or outer[2] > dark.width or outer[3] > dark.height:
        return False
    return _tight(dark, outer) == box


def _tight(
    dark: Image.Image, around: tuple[int, int, int, int]
) -> tuple[int, int, int, int] | None:
    """The smallest box around the dark pixels within `around`; None where there is none."""
    found = dark.crop(around).getbbox()
    if found is None:
        return None
    left, top = around[0], around[1]
    return left + found[0], top + found[1], left + found[2], top + found[3]


def _grown(box: tuple[int, int, int, int], by: int) -> tuple[int, int, int, int]:
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _sampled(page: Image.Image, box: tuple[int, int, int, int], side: int) -> Modules:
    """The page's pixel at the centre of each of `side` x `side` modules of `box`."""
    x0, y0, x1, y1 = box
    return tuple(
        tuple(
            page.getpixel((
                min(x0 + (2 * column + 1) * (x1 - x0) // (2 * side), page.width - 1),
                min(y0 + (2 * row + 1) * (y1 - y0) // (2 * side), page.height - 1),
            )) == 0
            for column in range(side)
        )
        for row in range(side)
    )


def _unfit(symbol: Symbol) -> LabelUnreadable:
    return LabelUnreadable(
        f"The code does not fit the {symbol.title}: no label was made. Ask for a new code."
    )


def _unreadable(symbol: Symbol, what: str) -> LabelUnreadable:
    return LabelUnreadable(
        f"The {symbol.title} on the finished label {what}: nothing was printed. "
        "Make the label again; if this repeats, call support."
    )
