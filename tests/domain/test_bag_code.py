"""Bag codes: opaque, typed kindly, and wrong in at least three places before they are another.

L4 (random, fixed length, check characters), L7 (typed fallback), B8-like: a code carries no fact.
"""

from __future__ import annotations

import hashlib
from itertools import combinations

import pytest

from pharmacy.domain import bag_code
from pharmacy.domain.bag_code import (
    ALPHABET,
    BagCode,
    CodeFault,
    MistypedCode,
    Piece,
    grouped,
    make_code,
    parse_code,
    with_piece,
)


def chance(n: int) -> bytes:
    return hashlib.sha256(b"bag %d" % n).digest()[:10]


KINDS = [(practice, piece) for practice in (True, False) for piece in Piece]
CODES = [make_code(chance(n), *KINDS[n % len(KINDS)]) for n in range(60)]
CODES += [make_code(fill * 10, True, Piece.CARD) for fill in (b"\x00", b"\xff")]


def fault_of(text: str, typed: bool = False) -> CodeFault:
    with pytest.raises(MistypedCode) as failure:
        parse_code(text, typed)
    assert text not in str(failure.value) or not text
    return failure.value.fault


def accepted(text: str) -> bool:
    try:
        parse_code(text)
    except MistypedCode:
        return False
    return True


@pytest.mark.parametrize(("practice", "piece"), KINDS)
def test_code_reads_back(practice, piece):
    code = make_code(chance(1), practice, piece)
    assert len(code) == 20
    assert set(code) <= set(ALPHABET)
    assert code[:2] == ("T" if practice else "H") + piece.value
    read = parse_code(code)
    assert read == BagCode(practice, piece, code[2:18])
    assert read.text == str(read) == code


def test_body_is_the_80_bits_in_order():
    counting = int("".join(f"{n:05b}" for n in range(16)), 2).to_bytes(10, "big")
    assert parse_code(make_code(counting, True, Piece.CARD)).body == "0123456789ABCDEF"
    bodies = {make_code((n << 40).to_bytes(10, "big"), True, Piece.CARD) for n in range(999)}
    assert len(bodies) == 999


def test_written_form_is_fixed():
    """One code that must never change: other programs and printed labels depend on it."""
    code = make_code(bytes(range(10)), True, Piece.OUTER_COVER)
    assert code == "T1000G40R40M30E20910"
    values = [ALPHABET.index(character) for character in code]
    assert check_sums(values) == (0, 0)


@pytest.mark.parametrize("length", [0, 9, 11])
def test_random_bytes_have_one_length(length):
    with pytest.raises(ValueError, match="10 random bytes"):
        make_code(bytes(length), True, Piece.CARD)


# The field, once more and differently: by table of logarithms, from the docstring's definition.
POWERS = [1]
while len(POWERS) < 31:
    doubled = POWERS[-1] * 2
    POWERS.append(doubled ^ 0b100101 if doubled > 31 else doubled)


def check_sums(values: list[int]) -> tuple[int, int]:
    plain = weighted = 0
    for at, value in enumerate(values):
        plain ^= value
        weighted ^= POWERS[(POWERS.index(value) + at) % 31] if value else 0
    return plain, weighted


def test_field_is_a_field():
    assert sorted(POWERS) == list(range(1, 32)), "x is a generator"
    for one in range(32):
        for other in range(32):
            logarithms = [POWERS.index(n) for n in (one, other) if n]
            product = POWERS[sum(logarithms) % 31] if len(logarithms) == 2 else 0
            assert bag_code._times(one, other) == product


def test_any_two_columns_of_the_check_are_independent():
    """The proof of distance three: no two places can cancel each other, whatever the values.

    A word of weight one or two with both sums zero would need e = 0, or a^i = a^j. The columns
    are (1, a^i); two are dependent only if equal; a^0 to a^19 all differ.
    """
    assert list(bag_code._WEIGHT) == POWERS[:20]
    assert len(set(bag_code._WEIGHT)) == 20
    for at, other in combinations(range(20), 2):
        for one in range(1, 32):
            for two in range(1, 32):
                values = [0] * 20
                values[at], values[other] = one, two
                assert check_sums(values) != (0, 0)


def test_every_code_satisfies_both_sums():
    for code in CODES:
        assert check_sums([ALPHABET.index(character) for character in code]) == (0, 0)


def test_every_single_error_is_caught():
    for code in CODES:
        for at in range(20):
            for wrong in ALPHABET:
                if wrong != code[at]:
                    assert fault_of(code[:at] + wrong + code[at + 1 :]) is CodeFault.CHECK


def test_every_exchange_of_two_places_is_caught():
    exchanged = 0
    for code in CODES:
        for at, other in combinations(range(20), 2):
            if code[at] != code[other]:
                letters = list(code)
                letters[at], letters[other] = letters[other], letters[at]
                assert fault_of("".join(letters)) is CodeFault.CHECK
                exchanged += 1
    assert exchanged > 9000


def test_every_double_error_at_some_places_is_caught():
    for code in CODES[:4]:
        for at, other in combinations((0, 1, 2, 9, 17, 18, 19), 2):
            for one in ALPHABET:
                for two in ALPHABET:
                    letters = list(code)
                    letters[at], letters[other] = one, two
                    assert accepted("".join(letters)) == ("".join(letters) == code)


def test_a_weaker_check_would_be_noticed(monkeypatch):
    """The planted fault: without the weights, exchanges of two characters pass."""
    monkeypatch.setattr(bag_code, "_WEIGHT", (1,) * 20)
    code = make_code(chance(0), True, Piece.CARD)
    assert code[3] != code[4]
    assert accepted(code[:3] + code[4] + code[3] + code[5:])


def test_pieces_of_one_bag_share_the_body_and_differ_in_three_places():
    for code in CODES:
        pieces = [with_piece(code, piece) for piece in Piece]
        assert code in pieces
        assert len(set(pieces)) == 3
        for one, other in combinations(pieces, 2):
            differing = [at for at in range(20) if one[at] != other[at]]
            assert differing == [1, 18, 19]
            assert parse_code(one).body == parse_code(other).body


def test_live_and_practice_codes_are_never_confused():
    live, practice = (make_code(chance(7), kind, Piece.CARD) for kind in (False, True))
    assert parse_code(live).practice is False
    assert parse_code(practice).practice is True
    assert fault_of("T" + live[1:]) is CodeFault.CHECK


@pytest.mark.parametrize("prefix", ["A1", "T3", "TT", "00", "C1", "1T", "TB", "Z2"])
def test_sound_code_of_another_kind_is_refused(prefix):
    assert fault_of(bag_code._with_check(prefix + CODES[0][2:18])) is CodeFault.PREFIX


@pytest.mark.parametrize(
    "change",
    [str.lower, grouped, lambda c: f" {c}", lambda c: f"{c}\n", lambda c: c.replace("1", "I", 1)],
    ids=["small", "grouped", "space before", "line end", "I for 1"],
)
def test_scans_are_read_exactly(change):
    """A scanner types nothing by mistake: anything but the 20 characters is another barcode."""
    code = make_code(chance(3), True, Piece.OUTER_COVER)
    assert not accepted(change(code))
    assert parse_code(change(code), typed=True).text == code


def test_typed_codes_are_read_kindly():
    code = make_code(bytes(5) + b"\x08\x42\x10\x84\x21", True, Piece.OUTER_COVER)
    assert "0" in code[2:18]
    assert "1" in code[2:18]
    spellings = [
        grouped(code).lower(),
        "-".join(grouped(code).split()),
        "\u2013".join(grouped(code).split()),
        "\u00a0".join(grouped(code).split()),
        code.replace("0", "O").replace("1", "I"),
        code.lower().replace("0", "o").replace("1", "l"),
        f"\t{code}\r\n",
    ]
    assert [parse_code(spelling, typed=True).text for spelling in spellings] == [code] * 7


@pytest.mark.parametrize("typed", [True, False])
def test_length_and_alphabet_are_told_apart(typed):
    code = CODES[0]
    for text in ("", code[:19], code + "0", "https://example.org/x", "00312345678906"):
        assert fault_of(text, typed) is CodeFault.LENGTH
    for wrong in "Uu!*/\u0131\u017f\u00df\uff10\u0660\U0001f600":
        fault = fault_of(code[:5] + wrong + code[6:], typed)
        assert fault is CodeFault.ALPHABET
    other = "0" if code[5] != "0" else "2"
    assert fault_of(code[:5] + other + code[6:], typed) is CodeFault.CHECK


def test_random_texts_pass_as_often_as_two_check_characters_allow():
    """One in 1,024 of texts with a sound prefix: the check guards against errors, not forgery."""
    passed = 0
    for n in range(20000):
        number = int.from_bytes(hashlib.sha256(b"text %d" % n).digest()[:12], "big")
        text = "T1" + "".join(ALPHABET[number >> 5 * at & 31] for at in range(18))
        passed += accepted(text)
    assert 5 <= passed <= 40


def test_grouped_reads_in_fours():
    assert grouped("T1K7XQ9M0000AAAABBBB") == "T1K7 XQ9M 0000 AAAA BBBB"


def test_sentences_say_what_to_do():
    for fault in CodeFault:
        sentence = MistypedCode(fault).sentence
        assert sentence.count(".") == 2
        assert sentence.endswith(".")
