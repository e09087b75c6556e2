"""Source containers by scan or by hand: which product, which lot, good until when (D5, D6, E17)."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pharmacy.unblinded.products
from pharmacy.domain.errors import Refusal
from pharmacy.unblinded.products_file import parse_products
from pharmacy.unblinded.source_codes import (
    SourceScan,
    check_source,
    is_gtin,
    parse_scan,
    typed_source,
)

TODAY = date(2026, 3, 15)
GTIN = "00368982850021"
VIAL = SourceScan(GTIN, "B428A8431", date(2027, 3, 31), "10000237461")
PRODUCTS = parse_products(
    (Path(pharmacy.unblinded.products.__file__).parent / "products" / "might.toml").read_text()
)
SHELF = {one.key: one for supply in PRODUCTS.supplies for one in supply.products}


def _fields(scan: SourceScan) -> tuple:
    return (scan.gtin, scan.lot, scan.expiry, scan.serial, scan.typed)


def _refused(text: str) -> str:
    with pytest.raises(Refusal) as refused:
        parse_scan(text, TODAY)
    return refused.value.sentence


@pytest.mark.parametrize(
    "text",
    [
        "]d20100368982850021" + "2110000237461\x1d" + "17270331" + "10B428A8431",
        "010036898285002117270331" + "10B428A8431\x1d2110000237461",
        "0100368982850021" + "2110000237461\x1d" + "10B428A8431\x1d" + "17270331",
        "\x1d010036898285002117270331" + "2110000237461\x1d10B428A8431\x1d",
        "]C1010036898285002117270331" + "10B428A8431\x1d2110000237461\r\n",
        "]d2\x1d010036898285002117270331" + "10B428A8431\x1d2110000237461\t",
        "]Q3010036898285002117270331" + "10B428A8431\x1d2110000237461",
        "(01)00368982850021(17)270331(10)B428A8431(21)10000237461",
        " (01) 00368982850021 (21) 10000237461 (17) 270331 (10) B428A8431 ",
        "(01)00368982850021(17)270300(10)B428A8431(21)10000237461",
        "010036898285002117270331" + "11250401" + "10B428A8431\x1d2110000237461",
        "010036898285002117270331" + "10B428A8431\x1d7156898285002\x1d2110000237461",
        "010036898285002117270331" + "10B428A8431\x1d" + "3100001500" + "2110000237461",
        "0100368982850021010036898285002117270331" + "10B428A8431\x1d2110000237461",
    ],
)
def test_one_vial_however_it_is_scanned(text):
    assert _fields(parse_scan(text, TODAY)) == _fields(VIAL)


@pytest.mark.parametrize(
    ("text", "lot", "expiry"),
    [
        # Code 128 of a saline bag; a date without a day; a lot with marks; a leap day
        ("]C10100303380049042" + "17270700" + "10Y412345", "Y412345", date(2027, 7, 31)),
        ("0100303380049042" + "17280229" + "10AB/12-3.4(5)", "AB/12-3.4(5)", date(2028, 2, 29)),
        ("0100303380049042" + "17280200" + "10a", "a", date(2028, 2, 29)),
        ("0100303380049042" + "17270200" + "10" + "Z" * 20, "Z" * 20, date(2027, 2, 28)),
    ],
)
def test_a_bag_without_serial(text, lot, expiry):
    scan = parse_scan(text, TODAY)

    assert _fields(scan) == ("00303380049042", lot, expiry, "", False)


@pytest.mark.parametrize(
    ("today", "yy", "year"),
    [
        (2026, 26, 2026),
        (2026, 76, 2076),
        (2026, 77, 1977),
        (2026, 99, 1999),
        (2026, 0, 2000),
        (2049, 99, 2099),
        (2051, 0, 2100),
        (2050, 0, 2100),
        (2060, 10, 2110),
        (2060, 11, 2011),
        (1999, 49, 2049),
    ],
)
def test_the_century_slides(today, yy, year):
    text = f"010030338004904217{yy:02}010110A"

    assert parse_scan(text, date(today, 1, 1)).expiry == date(year, 1, 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Nothing was scanned"),
        (" \r\n", "Nothing was scanned"),
        ("303380049048", "product number only"),
        ("0303380049041", "product number only"),
        ("00303380049042", "product number only"),
        ("0100368982850021", "no lot (10)"),
        ("010036898285002117270331", "no lot (10)"),
        ("010036898285002110B428A8431", "no expiry date (17)"),
        ("010036898285002110B42817270331", "no expiry date (17)"),
        ("17270331" + "10B428A8431", "no product number (01)"),
        ("0200368982850021" + "17270331" + "3712", "no product number (01)"),
        ("010036898285002217270331" + "10B428", "wrong check digit"),
        ("010036898285002117271331" + "10B428", "expiry date (17) is no date"),
        ("010036898285002117270230" + "10B428", "expiry date (17) is no date"),
        ("010036898285002117270001" + "10B428", "expiry date (17) is no date"),
        ("010036898285002117270229" + "10B428", "expiry date (17) is no date"),
        ("01003689828500211727033", "part (17)"),
        ("0100368982850021172703A1" + "10B428", "part (17)"),
        ("010036898285002117270331" + "10" + "B" * 21, "part (10)"),
        ("010036898285002117270331" + "10\x1d21A", "part (10)"),
        ("010036898285002117270331" + "10B4 28", "part (10)"),
        ("0100368982850021" + "10B428\x1d10B429\x1d17270331", "two different parts (10)"),
        ("0100368982850021" + "0100303380049042" + "17270331" + "10A", "two different parts (01)"),
        ("]E00303380049041", "not a GS1 code"),
        ("]D2010036898285002117270331" + "10b428", "Caps Lock"),
        ("https://id.gs1.org/01/00368982850021", "not a GS1 code that this pharmacy reads"),
        ("R7K2-4M9P", "not a GS1 code that this pharmacy reads"),
        ("(1)00368982850021", "not a GS1 code that this pharmacy reads"),
        ("(0100)368982850021", "not a GS1 code that this pharmacy reads"),
        ("0100368982850021" + "17270331" + "10B\u00e9", "characters that no GS1 code has"),
        ("0100368982850021" + "17270331" + "10B\x1e", "characters that no GS1 code has"),
        ("0100368982850021" * 30, "too long"),
    ],
)
def test_a_scan_is_refused_by_what_is_wrong(text, says):
    assert says in _refused(text)


@given(st.text(max_size=80) | st.text("0123456789()]Cd\x1dAB", max_size=80))
def test_any_text_is_read_or_refused_and_nothing_else(text):
    with suppress(Refusal):
        parse_scan(text, TODAY)
    with suppress(Refusal):
        typed_source(text, text)


@given(st.integers(0, 10**13 - 1), st.integers(0, 13), st.integers(1, 9))
def test_one_wrong_digit_is_no_gtin(number, at, by):
    right = next(f"{number:013}{check}" for check in range(10) if is_gtin(f"{number:013}{check}"))
    wrong = right[:at] + str((int(right[at]) + by) % 10) + right[at + 1 :]

    assert not is_gtin(wrong)


@pytest.mark.parametrize("wrong", ["", "0036898285002", "003689828500210", "0036898285002\n", None])
def test_what_is_no_gtin(wrong):
    assert not is_gtin(wrong)


@pytest.mark.parametrize(
    ("typed", "expiry"),
    [
        ("2027-03-31", date(2027, 3, 31)),
        (" 2027-03-01 ", date(2027, 3, 1)),
        ("03/2027", date(2027, 3, 31)),
        ("02/2028", date(2028, 2, 29)),
    ],
)
def test_a_typed_container(typed, expiry):
    scan = typed_source(" B428A8431 ", typed)

    assert _fields(scan) == (None, "B428A8431", expiry, "", True)


@pytest.mark.parametrize(
    ("lot", "expiry", "gtin", "says"),
    [
        ("", "2027-03-31", None, "The lot needs"),
        ("A B", "2027-03-31", None, "The lot needs"),
        ("A" * 21, "2027-03-31", None, "The lot needs"),
        ("A", "", None, "YYYY-MM-DD"),
        ("A", "03/27", None, "YYYY-MM-DD"),
        ("A", "03/04/2027", None, "YYYY-MM-DD"),
        ("A", "2027-3-1", None, "YYYY-MM-DD"),
        ("A", "2027-03-00", None, "YYYY-MM-DD"),
        ("A", "2027-02-29", None, "no date"),
        ("A", "13/2027", None, "no date"),
        ("A", "00/2027", None, "no date"),
        ("A", "2027-03-31", "00368982850022", "check digit"),
    ],
)
def test_typing_is_refused_by_what_is_wrong(lot, expiry, gtin, says):
    with pytest.raises(Refusal) as refused:
        typed_source(lot, expiry, gtin)

    assert says in refused.value.sentence


def test_the_longest_lot_is_the_same_typed_or_scanned():
    assert typed_source("A" * 20, "03/2027").lot == "A" * 20


def test_the_right_product_in_date_is_taken():
    check_source(VIAL, SHELF["octagam_10_5g"], date(2027, 3, 31))
    check_source(typed_source("A", "03/2027"), SHELF["octagam_10_5g"], date(2027, 3, 31))


@pytest.mark.parametrize("key", sorted(set(SHELF) - {"octagam_10_5g"}))
def test_another_product_is_refused(key):
    for scan in (VIAL, typed_source("A", "03/2027", GTIN)):
        with pytest.raises(Refusal) as refused:
            check_source(scan, SHELF[key], TODAY)
        assert refused.value.sentence.startswith(f"Wrong product: this is not {SHELF[key].name}.")


def test_a_container_that_expires_before_it_is_used_up_is_refused():
    with pytest.raises(Refusal) as refused:
        check_source(VIAL, SHELF["octagam_10_5g"], date(2027, 4, 1))

    assert "until 2027-MAR-31 and is needed until 2027-APR-01" in refused.value.sentence


def test_a_scan_does_not_tell_itself():
    assert repr(VIAL) == "<source scan>"
