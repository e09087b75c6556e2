"""Words: uniform passphrases, fingerprints to read aloud, and printed halves that notice errors."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import combinations

import pytest

from pharmacy.crypto import words
from pharmacy.crypto.commitments import halves, join
from pharmacy.crypto.context import context
from pharmacy.crypto.deriving import fold_passphrase
from pharmacy.crypto.errors import MistypedWords
from pharmacy.crypto.words import (
    fingerprint_words,
    passphrase,
    secret_to_words,
    word_list,
    words_to_secret,
)
from tests.crypto.material import fixed

SECRET = fixed("half A")
HERE = context("recovery-half", "installation-1", 1, "A")
SHEET = secret_to_words(SECRET, HERE)


def test_list_is_the_noted_one():
    content = words._FILE.read_bytes()
    assert hashlib.sha256(content).hexdigest() in words._FILE.with_suffix(".md").read_text()
    assert len(word_list()) == 6**5
    assert list(word_list()) == sorted(word_list())


def test_word_list_of_a_damaged_file_is_refused(tmp_path, monkeypatch):
    damaged = tmp_path / "words.txt"
    damaged.write_text("\n".join((*word_list()[:-1], "abacus")))
    monkeypatch.setattr(words, "_FILE", damaged)
    with pytest.raises(ValueError, match="word list is damaged"):
        word_list.__wrapped__()


def test_no_two_words_fold_alike():
    """Folding loses nothing: hyphenated words stay apart from all others."""
    assert len({fold_passphrase(word) for word in word_list()}) == len(word_list())


def test_passphrase_is_the_number_in_base_7776():
    number = 5 * 7776**5 + 4 * 7776**4 + 3 * 7776**3 + 2 * 7776**2 + 1 * 7776 + 7775
    expected = " ".join(word_list()[n] for n in (5, 4, 3, 2, 1, 7775))
    assert passphrase(number.to_bytes(32, "big")) == expected
    assert passphrase((number + 7776**6 * 99).to_bytes(32, "big")) == expected
    assert passphrase(bytes(32)) == " ".join(["abacus"] * 6)


def test_passphrases_use_the_whole_list_evenly():
    places = {word: at for at, word in enumerate(word_list())}
    sixteenths: Counter[int] = Counter()
    seen = set()
    for n in range(4000):
        spoken = passphrase(fixed(f"chance {n}")).split()
        assert len(spoken) == 6
        seen.update(spoken)
        sixteenths.update(places[word] * 16 // 7776 for word in spoken)
    assert len(seen) > 7000
    assert all(1300 < count < 1700 for count in sixteenths.values())
    assert len(sixteenths) == 16


@pytest.mark.parametrize("length", [0, 10, 31, 33])
def test_passphrase_takes_32_bytes(length):
    with pytest.raises(ValueError, match="32 bytes"):
        passphrase(bytes(length))


def test_fingerprint_changes_with_the_keys():
    one = fingerprint_words(hashlib.sha256(b"keys of one").digest())
    other = fingerprint_words(hashlib.sha256(b"keys of other").digest())
    assert len(one.split()) == 6
    assert one != other
    with pytest.raises(ValueError, match="32 bytes"):
        fingerprint_words(b"short")


@pytest.mark.parametrize("secret", [SECRET, bytes(32), b"\xff" * 32, bytes(31) + b"\x01"])
def test_printed_secret_comes_back(secret):
    sheet = secret_to_words(secret, HERE)
    assert len(sheet.split()) == 22
    assert words_to_secret(sheet, HERE) == secret
    assert words_to_secret(f"  {sheet.upper()}\n".replace(" ", "  \n"), HERE) == secret


def test_two_printed_halves_give_the_recovery_key_back():
    recovery = fixed("recovery key")
    sheets = [
        (secret_to_words(half, context("half", name)), context("half", name))
        for half, name in zip(halves(recovery, fixed("chance")), "AB", strict=True)
    ]
    assert join(*(words_to_secret(sheet, where) for sheet, where in sheets)) == recovery
    with pytest.raises(MistypedWords):
        words_to_secret(sheets[0][0], sheets[1][1])


def mistyped(typed: list[str]) -> MistypedWords:
    with pytest.raises(MistypedWords) as failure:
        words_to_secret(" ".join(typed), HERE)
    return failure.value


@pytest.mark.parametrize("at", range(22))
def test_word_outside_the_list_is_named_by_position(at):
    typed = SHEET.split()
    typed[at] += "x"
    failure = mistyped(typed)
    assert failure.positions == (at + 1,)
    assert_says_nothing_secret(failure)


@pytest.mark.parametrize("at", [0, 1, 10, 19, 20, 21])
def test_one_wrong_word_is_named_by_position(at):
    typed = SHEET.split()
    typed[at] = "zoom" if typed[at] != "zoom" else "zit"
    failure = mistyped(typed)
    assert failure.positions == (at + 1,)
    assert_says_nothing_secret(failure)


def test_every_exchange_of_two_words_is_named():
    for at, other in combinations(range(22), 2):
        typed = SHEET.split()
        typed[at], typed[other] = typed[other], typed[at]
        assert mistyped(typed).positions == (at + 1, other + 1)


def test_several_wrong_words_are_refused_without_a_guess():
    typed = SHEET.split()
    typed[3], typed[12] = "zoom", "abacus"
    failure = mistyped(typed)
    assert failure.positions == ()
    assert_says_nothing_secret(failure)


def test_no_other_word_at_any_place_is_accepted():
    digits = words._read(SHEET)
    for at in (0, 7, 19, 20, 21):
        accepted = [
            list(tried)
            for tried in words._replaced(digits, at)
            if words._secret_if_valid(tried, HERE) is not None
        ]
        assert accepted == [digits]


@pytest.mark.parametrize("typed", [SHEET.split()[:21], [*SHEET.split(), "zoom"], []])
def test_wrong_number_of_words_is_refused(typed):
    failure = mistyped(typed)
    assert f"{len(typed)} were typed" in failure.sentence
    assert failure.positions == ()


def test_number_beyond_32_bytes_is_refused():
    assert mistyped(["zoom"] * 22).positions == ()


def test_check_words_depend_on_the_context():
    other = secret_to_words(SECRET, context("recovery-half", "installation-1", 1, "B"))
    assert other.split()[:20] == SHEET.split()[:20]
    assert other.split()[20:] != SHEET.split()[20:]


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_secret_has_one_length(length):
    with pytest.raises(ValueError, match="32 bytes"):
        secret_to_words(bytes(length), HERE)


def assert_says_nothing_secret(failure: MistypedWords) -> None:
    said = f"{failure!r} {failure.__dict__}".lower()
    fillers = {"word", "words"}
    assert not [word for word in SHEET.split() if word not in fillers and f" {word} " in said]
