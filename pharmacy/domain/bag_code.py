"""The code on a bag, its cover and its participant's card: 20 characters that mean nothing.

Two characters of prefix (what the code is for, and which piece carries it), 16 random ones
(80 bits) and two check characters, all in Crockford's base32. The check characters are a
Reed-Solomon code over GF(32) with the prefix included: any two codes differ in at least three
places, so one or two wrong characters, and every exchange of two, are always caught.

For another implementation: the field is GF(2)[x]/(x^5+x^2+1), a character's value is its place in
`ALPHABET`, and with a = x the values c[0..19] of a code satisfy sum c[i] = 0 and
sum c[i]*a^i = 0.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import Enum

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 20
BODY_LENGTH = 16
RANDOM_BYTES = 10
_PRACTICE, _LIVE = "T", "H"
_FIELD_POLYNOMIAL = 0b100101
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})


class Piece(Enum):
    """Which piece carries a code; the value is the code's second character."""

    OUTER_COVER = "1"
    INNER_CONTAINER = "2"
    CARD = "C"


class CodeFault(Enum):
    """Why a text is no code."""

    LENGTH = "length"
    ALPHABET = "alphabet"
    CHECK = "check"
    PREFIX = "prefix"


_SENTENCES = {
    CodeFault.LENGTH: f"A code has {LENGTH} characters. Count them and enter the code again.",
    CodeFault.ALPHABET: "This holds a character that no code has. Compare it with the label.",
    CodeFault.CHECK: "A character is wrong or two changed places. Compare it with the label.",
    CodeFault.PREFIX: "This is not a code of this system. Scan the code of the bag or the card.",
}


class MistypedCode(ValueError):
    """A text that is no bag code; `fault` says which check it failed, `sentence` what to do."""

    def __init__(self, fault: CodeFault) -> None:
        super().__init__(_SENTENCES[fault])
        self.fault = fault
        self.sentence = _SENTENCES[fault]


@dataclass(frozen=True)
class BagCode:
    """A code that has been read: training or live, which piece, and its 16 random characters."""

    practice: bool
    piece: Piece
    body: str

    @property
    def text(self) -> str:
        """The 20 characters as they stand in the barcode."""
        return _with_check((_PRACTICE if self.practice else _LIVE) + self.piece.value + self.body)

    def __str__(self) -> str:
        return self.text


def make_code(random_bytes: bytes, practice: bool, piece: Piece) -> str:
    """Return a new code from 10 random bytes; another length raises ValueError."""
    if len(random_bytes) != RANDOM_BYTES:
        raise ValueError(f"a code needs {RANDOM_BYTES} random bytes")
    number = int.from_bytes(random_bytes, "big")
    places = range(5 * (BODY_LENGTH - 1), -1, -5)
    body = "".join(ALPHABET[number >> place & 31] for place in places)
    return BagCode(practice, piece, body).text


def parse_code(text: str, typed: bool = False) -> BagCode:
    """Read a scanned code exactly, or a typed one kindly.

    A scan must hold the 20 characters and nothing else. A typed code may have spaces, hyphens and
    small letters, O for 0, and I or L for 1. Raises MistypedCode with the fault: LENGTH, ALPHABET,
    CHECK, or PREFIX for a sound code of a kind not in use. Typed or scanned is for the caller to
    record (E17).
    """
    code = _folded(text) if typed else text
    if len(code) != LENGTH:
        raise MistypedCode(CodeFault.LENGTH)
    if not all(character in _VALUE for character in code):
        raise MistypedCode(CodeFault.ALPHABET)
    if _with_check(code[: LENGTH - 2]) != code:
        raise MistypedCode(CodeFault.CHECK)
    if code[0] not in (_PRACTICE, _LIVE) or code[1] not in {piece.value for piece in Piece}:
        raise MistypedCode(CodeFault.PREFIX)
    return BagCode(code[0] == _PRACTICE, Piece(code[1]), code[2 : LENGTH - 2])


def with_piece(code: str, piece: Piece) -> str:
    """Return the code of another piece of the same bag: same body, other check characters."""
    read = parse_code(code)
    return BagCode(read.practice, piece, read.body).text


def grouped(code: str) -> str:
    """Return a code in groups of four for reading aloud, such as `T1K7 XQ9M ...`."""
    return " ".join(code[at : at + 4] for at in range(0, len(code), 4))


def _folded(text: str) -> str:
    kept = (c for c in text if not c.isspace() and unicodedata.category(c) != "Pd")
    # Only ASCII is raised: other scripts have letters whose capital is an ASCII letter.
    raised = "".join(c.upper() if c.isascii() else c for c in kept)
    return raised.translate(_MISREAD)


def _times(one: int, other: int) -> int:
    product = 0
    while other:
        if other & 1:
            product ^= one
        one <<= 1
        if one & 0b100000:
            one ^= _FIELD_POLYNOMIAL
        other >>= 1
    return product


def _powers_of_x() -> tuple[int, ...]:
    powers = [1]
    while len(powers) < LENGTH:
        powers.append(_times(powers[-1], 2))
    return tuple(powers)


_WEIGHT = _powers_of_x()
_CHECK_DIVISOR = _WEIGHT[LENGTH - 2] ^ _WEIGHT[LENGTH - 1]
_CHECK_FACTOR = next(n for n in range(1, 32) if _times(n, _CHECK_DIVISOR) == 1)


def _with_check(head: str) -> str:
    # Two unknown values from the two sums of the module's docstring; addition is exclusive or.
    plain, weighted = 0, 0
    for value, weight in zip((_VALUE[c] for c in head), _WEIGHT, strict=False):
        plain ^= value
        weighted ^= _times(value, weight)
    last = _times(weighted ^ _times(plain, _WEIGHT[LENGTH - 2]), _CHECK_FACTOR)
    return head + ALPHABET[plain ^ last] + ALPHABET[last]
