"""One page: its text zones, its lines and frames, its symbols on the dot grid, its watermark.

Only black and white, since thermal printers have nothing between. Only embedded fonts. The
metadata is the same for every label and names no one (B12, B15). No page leaves here before an
independent decoder has read its codes back from the finished file, or has found none on a paper
that must carry none.
"""

from __future__ import annotations

from io import BytesIO

from reportlab.pdfgen.canvas import Canvas

from labels import layout
from labels.codes import Symbol, dots_per_module, module_matrix, verify
from labels.content import Label
from labels.layout import MM, Stock
from labels.typesetting import BOLD, REGULAR, Column, Run, centred

# A tenth of a dot a side: without it some rasterisers colour one more dot.
_INSET_DOTS = 0.1
_RULE = 1.2
_THIN = 0.5


class Sheet:
    """One page of one stock, its size rounded to whole printer dots."""

    def __init__(self, stock: Stock, dpi: int, filling: int = 0) -> None:
        """`filling` blanks in the metadata make a file longer where its length must not tell."""
        self._stock, self._dpi = stock, dpi
        self._height_dots = _dots(stock.height_mm, dpi)
        self._height = self._height_dots * 72 / dpi
        self._buffer = BytesIO()
        self._canvas = Canvas(
            self._buffer,
            pagesize=(_dots(stock.width_mm, dpi) * 72 / dpi, self._height),
            pageCompression=1,
            invariant=1,
            initialFontName=REGULAR,
            initialFontSize=layout.FINE,
        )
        self._canvas.setTitle(stock.title)
        self._canvas.setAuthor("Pharmacy")
        self._canvas.setSubject("Investigational product")
        self._canvas.setCreator("Pharmacy")
        self._canvas.setProducer("Pharmacy")
        if filling:
            self._canvas.setKeywords(" " * filling)
        self._furniture()

    def next_page(self, stock: Stock, watermark: str) -> None:
        """Close this page and begin another of a stock of the same size."""
        if watermark:
            self._watermark(watermark)
        self._canvas.showPage()
        self._stock = stock
        self._furniture()

    def column(self, zone: str) -> Column:
        """An empty column for the zone of that name."""
        return Column(self._canvas, self._height, self._stock.zones[zone])

    def centred(self, field: str, text: str, size: float) -> None:
        """One bold line in the middle of the zone named as its field."""
        zone = self._stock.zones[field]
        centred(self._canvas, self._height, zone, Run(field, text, BOLD), size)

    def cell(self, x_mm: float, y_mm: float, width_mm: float, height_mm: float) -> Column:
        """An empty column for a place of a table."""
        return Column(self._canvas, self._height, layout.Zone(x_mm, y_mm, width_mm, height_mm))

    def line(self, x_mm: float, y_mm: float, width_mm: float) -> None:
        """A thin line to write on, or under a row."""
        self._canvas.setLineWidth(_THIN)
        y = self._height - y_mm * MM
        self._canvas.line(x_mm * MM, y, (x_mm + width_mm) * MM, y)

    def box(self, x_mm: float, y_mm: float, side_mm: float) -> None:
        """An empty square to tick."""
        self._canvas.setLineWidth(_RULE)
        bottom = self._height - (y_mm + side_mm) * MM
        self._canvas.rect(x_mm * MM, bottom, side_mm * MM, side_mm * MM)

    def finished(self, content: Label, caption: str) -> bytes:
        """Add codes and watermark, close the page, read it back, and return its bytes."""
        self.set_code_text(content, caption)
        for symbol in self._stock.symbols:
            self._draw(symbol, content.code)
        pdf = self._closed(content.watermark)
        verify(pdf, content.code, tuple(self._stock.symbols), self._dpi)
        return pdf

    def finished_without_code(self, watermark: str) -> bytes:
        """Close a page that carries no code; one on which a decoder finds any is refused."""
        pdf = self._closed(watermark)
        verify(pdf, "", (), self._dpi)
        return pdf

    def _closed(self, watermark: str) -> bytes:
        if watermark:
            self._watermark(watermark)
        self._canvas.showPage()
        self._canvas.save()
        return self._buffer.getvalue()

    def set_code_text(self, content: Label, caption: str) -> None:
        """The code in groups of four, to be typed from: large on a label, in a line on a card."""
        code = content.code
        groups = [code[start : start + 4] for start in range(0, len(code), 4)]
        on_card = "card_code" in self._stock.zones
        lines = [groups] if on_card else [groups[:3], groups[3:]]
        column = self.column("card_code" if on_card else "code")
        column.paragraph([Run("code", caption)], layout.FINE)
        for line in lines:
            column.paragraph(
                [Run("code", " ".join(line), BOLD)], layout.STRONG if on_card else layout.LARGE
            )

    def _furniture(self) -> None:
        margin, width = self._stock.margin_mm * MM, self._stock.width_mm * MM
        self._canvas.setLineWidth(_RULE)
        for y_mm in self._stock.rules_mm:
            y = self._height - y_mm * MM
            self._canvas.line(margin, y, width - margin, y)
        for name, pad in self._stock.frames.items():
            zone = self._stock.zones[name]
            self._canvas.rect(
                (zone.x_mm - pad) * MM,
                self._height - (zone.y_mm + zone.height_mm + pad) * MM,
                (zone.width_mm + 2 * pad) * MM,
                (zone.height_mm + 2 * pad) * MM,
            )

    def _draw(self, symbol: Symbol, code: str) -> None:
        """Draw dark modules as horizontal runs on the dot grid, all in one path: PDFium rounds
        rectangles that are paths of their own, each its own way, and shears a small symbol."""
        spot, side = self._stock.symbols[symbol], dots_per_module(symbol, self._dpi)
        left, top = _dots(spot.x_mm, self._dpi), _dots(spot.y_mm, self._dpi)
        dot = 72 / self._dpi
        path = self._canvas.beginPath()
        for row, modules in enumerate(module_matrix(symbol, code)):
            bottom = self._height_dots - top - (row + 1) * side
            for start, length in _dark_runs(modules):
                path.rect(
                    (left + start * side + _INSET_DOTS) * dot,
                    (bottom + _INSET_DOTS) * dot,
                    (length * side - 2 * _INSET_DOTS) * dot,
                    (side - 2 * _INSET_DOTS) * dot,
                )
        self._canvas.drawPath(path, stroke=0, fill=1)

    def _watermark(self, text: str) -> None:
        """White on a black band over the full width, in a place nothing else uses."""
        band = self._stock.band
        top = self._height - (band.y_mm + band.height_mm) * MM
        self._canvas.rect(
            band.x_mm * MM, top, band.width_mm * MM, band.height_mm * MM, stroke=0, fill=1
        )
        self._canvas.setFillGray(1)
        centred(self._canvas, self._height, band, Run("watermark", text, BOLD), layout.KEY)
        self._canvas.setFillGray(0)


def _dark_runs(modules: tuple[bool, ...]) -> list[tuple[int, int]]:
    """(first column, length) of each stretch of dark modules in a row."""
    runs: list[tuple[int, int]] = []
    for column, dark in enumerate(modules):
        if dark and runs and sum(runs[-1]) == column:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        elif dark:
            runs.append((column, 1))
    return runs


def _dots(length_mm: float, dpi: int) -> int:
    return round(length_mm * dpi / 25.4)
