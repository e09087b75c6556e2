"""CSV that is safe to open in a spreadsheet: no cell can begin a formula (ASVS 1.2.10)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_bytes(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The table as CSV (RFC 4180) in UTF-8 with a byte-order mark, which Excel needs.

    A cell that begins with = + - @, a tab or a carriage return gets an apostrophe before it.
    """
    page = io.StringIO(newline="")
    writer = csv.writer(page)
    writer.writerow(headers)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return page.getvalue().encode("utf-8-sig")


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
