"""What a finished label shows, read from its bytes: words, type, ink, and stamps put on it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from io import BytesIO

import pypdf
import pypdfium2
import pypdfium2.raw as pdfium
from reportlab.pdfgen.canvas import Canvas

from labels.layout import MM
from labels.typesetting import BOLD


@dataclass(frozen=True)
class Glyph:
    """One character as set: its size in points, its font, its box and the height of its
    baseline in points from bottom left."""

    character: str
    size: float
    font: str
    box: tuple[float, float, float, float]
    baseline: float


def words_of(pdf: bytes) -> str:
    """All text of the page, every gap and line end one space."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return " ".join(document[0].get_textpage().get_text_range().split())
    finally:
        document.close()


def glyphs_of(pdf: bytes) -> list[Glyph]:
    """Every character that leaves ink, in the order set."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        page = document[0].get_textpage()
        glyphs = []
        for index in range(page.count_chars()):
            character = chr(pdfium.FPDFText_GetUnicode(page.raw, index))
            if character.isspace():
                continue
            name, flags = ctypes.create_string_buffer(100), ctypes.c_int()
            pdfium.FPDFText_GetFontInfo(page.raw, index, name, 100, ctypes.byref(flags))
            x, y = ctypes.c_double(), ctypes.c_double()
            pdfium.FPDFText_GetCharOrigin(page.raw, index, ctypes.byref(x), ctypes.byref(y))
            glyphs.append(
                Glyph(
                    character,
                    pdfium.FPDFText_GetFontSize(page.raw, index),
                    name.value.decode(),
                    page.get_charbox(index),
                    round(y.value, 2),
                )
            )
        return glyphs
    finally:
        document.close()


def setting_of(pdf: bytes, text: str) -> list[Glyph]:
    """The characters of `text` as set on the page; fails the test where it is not there."""
    glyphs = glyphs_of(pdf)
    wanted = "".join(text.split())
    start = "".join(glyph.character for glyph in glyphs).index(wanted)
    return glyphs[start : start + len(wanted)]


def foreign_fonts(pdf: bytes) -> list[str]:
    """Names of the page's fonts that are not this typeface, or not in the file."""
    fonts = pypdf.PdfReader(BytesIO(pdf)).pages[0]["/Resources"]["/Font"].values()
    found = []
    for font in (reference.get_object() for reference in fonts):
        embedded = "/FontDescriptor" in font and "/FontFile2" in font["/FontDescriptor"]
        if not embedded or "AtkinsonHyperlegible" not in font["/BaseFont"]:
            found.append(font["/BaseFont"])
    return found


def stamped(
    pdf: bytes,
    x_mm: float,
    y_mm: float,
    *,
    text: str = "",
    white_mm: float = 0,
    black_mm: float = 0,
) -> bytes:
    """The label with something printed over it at (x, y) mm from the top left."""
    writer, out = pypdf.PdfWriter(clone_from=BytesIO(pdf)), BytesIO()
    page = writer.pages[0]
    width, height = float(page.mediabox.width), float(page.mediabox.height)
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=(width, height), initialFontName=BOLD)
    x, y = x_mm * MM, height - y_mm * MM
    if text:
        canvas.setFont(BOLD, 8)
        canvas.drawString(x, y, text)
    for side_mm, shade in ((white_mm, 1), (black_mm, 0)):
        canvas.setFillGray(shade)
        canvas.rect(x, y - side_mm * MM, side_mm * MM, side_mm * MM, stroke=0, fill=1)
    canvas.save()
    page.merge_page(pypdf.PdfReader(buffer).pages[0])
    writer.write(out)
    return out.getvalue()
