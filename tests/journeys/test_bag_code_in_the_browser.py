"""The browser's check of a code says what Python's says, for whatever text (E17)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from pharmacy.domain.bag_code import ALPHABET, LENGTH, MistypedCode, Piece, make_code, parse_code
from tests.journeys.serving import ServedChance, serving
from tests.journeys.visitor import Visitor
from tests.support.world import Clock, build_app

SOUND = [
    make_code(f"{n:010}".encode(), practice, piece)
    for n in range(60)
    for practice in (True, False)
    for piece in Piece
]
GARBAGE = [
    "", " ", "T1", "T1K7XQ9MB4VZ2WD8RHC", "T1K7XQ9MB4VZ2WD8RHC66", "https://example.org/x",
    "T1K7XQ9MB4VZ2WD8RHC\n", " T1K7XQ9MB4VZ2WD8RHC6", "T1K7-XQ9M-B4VZ-2WD8-RHC6",
    "T1K7XQ9MB4VZ2WD8RHCI", "É" * LENGTH, "𝟏" * LENGTH, "\0" * LENGTH, "０" * LENGTH, "ÿ1",
    *(character * LENGTH for character in ALPHABET),
]
_ALL = """async (texts) => {
  const { faultOf } = await import(document.querySelector('script[src$="once.js"]').src
    .replace('once.js', 'bag-code.js'));
  return texts.map(faultOf);
}"""


@pytest.fixture
def page(chromium: Browser, sqlite_url: str, tmp_path: Path) -> Iterator[Page]:
    """Any page of the app, which imports the module under its own policy."""
    with serving(build_app(sqlite_url, tmp_path, Clock(), ServedChance("codes"))) as address:
        visitor = Visitor(chromium, address)
        visitor.open("/sign-in")
        yield visitor.page
        visitor.close()
        assert visitor.faults == []


def said_here(text: str) -> str:
    """Why Python refuses a scanned text; empty for a code."""
    try:
        parse_code(text)
    except MistypedCode as wrong:
        return wrong.fault.value
    return ""


def agree(page: Page, texts: list[str]) -> list[str]:
    """Ask both; what they said, once they said the same."""
    here = [said_here(text) for text in texts]
    there = page.evaluate(_ALL, texts)
    differing = [f"{t!r}: {a} / {b}" for t, a, b in zip(texts, here, there, strict=True) if a != b]
    assert differing == []
    return here


def test_every_sound_code_is_one_in_the_browser_too(page: Page) -> None:
    assert set(agree(page, SOUND)) == {""}


def test_every_single_wrong_character_is_found(page: Page) -> None:
    for code in SOUND[:4]:
        texts = [
            code[:place] + character + code[place + 1 :]
            for place in range(LENGTH)
            for character in ALPHABET
            if character != code[place]
        ]
        assert set(agree(page, texts)) == {"check"}


def test_every_exchange_of_two_neighbours_is_found(page: Page) -> None:
    texts = [
        code[:at] + code[at + 1] + code[at] + code[at + 2 :]
        for code in SOUND[:60]
        for at in range(LENGTH - 1)
        if code[at] != code[at + 1]
    ]
    assert set(agree(page, texts)) == {"check"}


def test_small_letters_garbage_and_other_prefixes(page: Page) -> None:
    assert set(agree(page, [code.lower() for code in SOUND[:20]])) == {"alphabet"}
    assert set(agree(page, GARBAGE)) == {"length", "alphabet", "check", "prefix"}
