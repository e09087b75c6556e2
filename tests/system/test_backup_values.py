"""The backup file itself: exact values, and not one bit that could change unseen (E14)."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest

from pharmacy.persistence import backup_file, backup_values
from pharmacy.persistence.backup_check import examine
from pharmacy.persistence.backup_file import BackupRefused, Header, TablePart
from tests.architecture.trails import NOON

_KEY = bytes(range(32))


def _tiny() -> bytes:
    """Two tables, one of them empty."""
    out = io.BytesIO()
    rows = [("M-001", 7, True, None), ("M-002", 8, False, bytes(9))]
    columns = (("code", "text"), ("n", "integer"), ("known", "boolean"), ("sealed", "bytes"))
    parts = [
        TablePart("participant", columns, iter(rows)),
        TablePart("card", (("body", "text"),), iter([])),
    ]
    backup_file.write(out, Header("0.1.0", "0001", NOON, "ab" * 16), parts, _KEY)
    return out.getvalue()


def test_every_flipped_bit_is_found() -> None:
    """E14: every bit of every byte in turn, the digests and the seal among them."""
    whole = _tiny()
    assert examine(io.BytesIO(whole)).whole.is_under(_KEY)
    for place in range(len(whole)):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << bit
            with pytest.raises(BackupRefused):
                examine(io.BytesIO(bytes(flipped)))


def test_every_cut_and_every_addition_is_found() -> None:
    whole = _tiny()
    for length in range(len(whole)):
        with pytest.raises(BackupRefused):
            examine(io.BytesIO(whole[:length]))
    for more in (b"\n", b"x", whole):
        with pytest.raises(BackupRefused):
            examine(io.BytesIO(whole + more))


def test_another_key_is_noticed_and_another_format_not_guessed_at() -> None:
    whole = _tiny()
    assert not examine(io.BytesIO(whole)).whole.is_under(bytes(32))
    with pytest.raises(BackupRefused, match="a newer one"):
        examine(io.BytesIO(whole.replace(b'"twinbag_backup":1', b'"twinbag_backup":2')))


def test_values_come_back_exactly() -> None:
    """Decimals, moments, dates, bytes; None is not the empty text, True is not 1."""
    columns = (
        ("text", "text"),
        ("integer", "integer"),
        ("boolean", "boolean"),
        ("decimal", "decimal"),
        ("moment", "moment"),
        ("date", "date"),
        ("bytes", "bytes"),
    )
    rows = [
        ("", 0, False, Decimal("0"), NOON, date(2026, 3, 2), b""),
        (
            'ä\n\u2028"\\',
            -7,
            True,
            Decimal("-0.0000000001"),
            NOON,
            date(1, 1, 1),
            bytes(range(256)),
        ),
        (None,) * 7,
        ("x", 2**40, True, Decimal("1234567890.0123456789"), NOON, date(9999, 12, 31), b"\x00"),
    ]
    out = io.BytesIO()
    header = Header("1", "0001", NOON, "00")
    backup_file.write(out, header, [TablePart("all", columns, iter(rows))], bytes(32))
    out.seek(0)
    reader = backup_file.Reader(out)
    (found,) = [list(part.rows) for part in reader.tables()]
    assert [[type(value) for value in row] for row in found] == [
        [type(value) for value in row] for row in rows
    ]
    assert found == rows
    assert reader.header == header
    for kind, wrong in (("integer", True), ("text", 1), ("bytes", "x"), ("decimal", 1.5)):
        with pytest.raises(TypeError):
            backup_values.to_json(kind, wrong)
    for kind, wrong in (
        *(("integer", each) for each in (True, "1", 1.0)),
        *(("decimal", each) for each in ("1e3", "NaN", "٣", 1)),
        *(("moment", each) for each in ("2026-03-02", "2026-03-02T12:00:00Z", 5)),
        *(("bytes", each) for each in ("AA", "A A=", "AAA=\n", 5)),
        *(("date", each) for each in ("20260302", "2026-3-2")),
        ("boolean", 1),
        ("text", ["x"]),
    ):
        with pytest.raises(ValueError, match=kind):
            backup_values.from_json(kind, wrong)
