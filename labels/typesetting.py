"""Setting finished texts in a zone: embedded fonts, wrapping between words, refusal on overflow.

Lines break between words only, and never between a number and its unit. What does not fit raises
`LabelOverflow`; a character that the typeface lacks raises `LabelUnreadable`. Type is never made
smaller, slanted, squeezed or turned (A20, A25).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from labels.errors import LabelOverflow, LabelUnreadable
from labels.layout import LEADING, MM, Align, Zone

REGULAR = "AtkinsonHyperlegible-Regular"
BOLD = "AtkinsonHyperlegible-Bold"

_FONTS = Path(__file__).parent / "fonts"
_UNITS = frozenset({"mL", "mL/hour", "L", "g", "mg", "kg", "hour", "hours", "minutes", "°C"})
# A baseline sits this share of the type size under the top of its line.
BASELINE = 0.92
_HAIR = 0.01

# At import, under the import lock: replacing a font while another thread sets with it loses glyphs.
for _name in (REGULAR, BOLD):
    pdfmetrics.registerFont(TTFont(_name, str(_FONTS / f"{_name}.ttf")))


# Digits are not of one width; no figure is wider than one of these alone.
WIDEST_DIGIT = max("0123456789", key=lambda digit: pdfmetrics.stringWidth(digit, BOLD, 100))


@dataclass(frozen=True)
class Run:
    """A stretch of one field's text in one weight."""

    field: str
    text: str
    font: str = REGULAR


@dataclass(frozen=True)
class Word:
    """What is never broken: one word, or a number with its unit."""

    field: str
    text: str
    font: str


def width_of(text: str, font: str, size: float) -> float:
    """Width of `text` in points."""
    return pdfmetrics.stringWidth(text, font, size)


class Column:
    """Fills one zone from the top down."""

    def __init__(self, canvas: Canvas, page_height: float, zone: Zone) -> None:
        self._canvas = canvas
        self._top = page_height - zone.y_mm * MM
        self._left = zone.x_mm * MM
        self._width = zone.width_mm * MM
        self._height = zone.height_mm * MM
        self._align = zone.align
        self._used = 0.0

    def space(self, height_mm: float) -> None:
        """Leave `height_mm` free."""
        self._used += height_mm * MM

    def paragraph(self, runs: Sequence[Run], size: float) -> None:
        """Set `runs` one after another as running text. Raises `LabelOverflow`."""
        for line in _lines(runs, self._width, size):
            self._line(line, 0, self._width, size)
            self._used += size * LEADING

    def rows(self, field: str, pairs: Sequence[tuple[str, str]], size: float) -> None:
        """Set pairs as a table, the first texts bold in a column as wide as they need.
        Raises `LabelOverflow`."""
        indent = max(width_of(first, BOLD, size) for first, _ in pairs) + 4 * MM
        if indent > self._width / 2 + 4 * MM:
            raise LabelOverflow(field)
        for first, second in pairs:
            lines = _lines([Run(field, second)], self._width - indent, size)
            self._line(_words([Run(field, first, BOLD)]), 0, indent, size)
            for line in lines:
                self._line(line, indent, self._width - indent, size)
                self._used += size * LEADING

    def _line(self, line: list[Word], indent: float, width: float, size: float) -> None:
        if self._used + size * LEADING > self._height + _HAIR:
            raise LabelOverflow(line[0].field)
        x = self._left + indent + _shift(self._align, width - _line_width(line, size))
        y = self._top - self._used - size * BASELINE
        for text, font in _stretches(line):
            self._canvas.setFont(font, size)
            self._canvas.drawString(x, y, text)
            x += width_of(text, font, size)


def centred(canvas: Canvas, page_height: float, zone: Zone, run: Run, size: float) -> None:
    """Set one line in the middle of a zone, both ways. Raises `LabelOverflow`."""
    words = _words([run])
    width = _line_width(words, size)
    if width > zone.width_mm * MM or size * LEADING > zone.height_mm * MM + _HAIR:
        raise LabelOverflow(run.field)
    canvas.setFont(run.font, size)
    canvas.drawString(
        zone.x_mm * MM + (zone.width_mm * MM - width) / 2,
        # Capitals of this typeface are two thirds of the size high.
        page_height - (zone.y_mm + zone.height_mm / 2) * MM - size / 3,
        " ".join(word.text for word in words),
    )


def _words(runs: Sequence[Run]) -> list[Word]:
    words: list[Word] = []
    for run in runs:
        for text in run.text.split():
            _refuse_unknown_characters(run.field, text, run.font)
            last = words[-1] if words else None
            if last and last.field == run.field and last.text[-1].isdigit() and _is_unit(text):
                words[-1] = Word(run.field, f"{last.text} {text}", run.font)
            else:
                words.append(Word(run.field, text, run.font))
    return words


def _is_unit(text: str) -> bool:
    return text.rstrip(".,;:)") in _UNITS


def _refuse_unknown_characters(field: str, text: str, font: str) -> None:
    known = pdfmetrics.getFont(font).face.charToGlyph
    if any(ord(character) not in known for character in text):
        raise LabelUnreadable(
            f"The {field.replace('_', ' ')} has a character that the label's typeface cannot "
            "print: nothing was printed. Write it with plain letters."
        )


def _lines(runs: Sequence[Run], width: float, size: float) -> list[list[Word]]:
    lines: list[list[Word]] = [[]]
    for word in _words(runs):
        if width_of(word.text, word.font, size) > width + _HAIR:
            raise LabelOverflow(word.field)
        if lines[-1] and _line_width([*lines[-1], word], size) > width + _HAIR:
            lines.append([])
        lines[-1].append(word)
    return lines


def _stretches(line: Sequence[Word]) -> list[tuple[str, str]]:
    """The line as (text, font), as few as possible; each but the last ends in a space."""
    stretches: list[tuple[str, str]] = []
    for word in line:
        if stretches and stretches[-1][1] == word.font:
            stretches[-1] = (f"{stretches[-1][0]} {word.text}", word.font)
        else:
            if stretches:
                stretches[-1] = (f"{stretches[-1][0]} ", stretches[-1][1])
            stretches.append((word.text, word.font))
    return stretches


def _line_width(line: Sequence[Word], size: float) -> float:
    return sum(width_of(text, font, size) for text, font in _stretches(line))


def _shift(align: Align, spare: float) -> float:
    return {"left": 0.0, "center": spare / 2, "right": spare}[align]
