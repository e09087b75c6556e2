"""Secrets as words: passphrases, fingerprints read aloud, and printed halves of a recovery key.

The list is the EFF's large word list (words.md says whose it is and under which licence).
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from pathlib import Path

from pharmacy.crypto.context import context as encode
from pharmacy.crypto.errors import MistypedWords
from pharmacy.crypto.sizes import KEY_LENGTH, at_least, exactly

_FILE = Path(__file__).with_name("words.txt")
BASE = 7776
PASSPHRASE_WORDS = 6
SECRET_WORDS = 20
CHECK_WORDS = 2
PRINTED_WORDS = SECRET_WORDS + CHECK_WORDS


@cache
def word_list() -> tuple[str, ...]:
    """Return the 7,776 words in alphabetical order; a damaged file raises ValueError."""
    words = tuple(_FILE.read_text(encoding="ascii").split())
    if len(words) != BASE or len(set(words)) != BASE:
        raise ValueError("the word list is damaged")
    return words


def passphrase(random_bytes: bytes) -> str:
    """Return six words (77.5 bits) from 32 random bytes; another length raises ValueError.

    The bytes are read as one number modulo 7776**6. Nothing is rejected and drawn again; the
    most likely passphrase is more likely than the least by a factor of 1 + 2**-178 at most.
    """
    exactly(random_bytes, KEY_LENGTH, "the random bytes")
    return _spoken(_digits(int.from_bytes(random_bytes, "big"), PASSPHRASE_WORDS))


def fingerprint_words(digest: bytes) -> str:
    """Return six words for two people to compare, from a hash (32 bytes or more) of public keys.

    77 bits: finding other keys with the same six words takes 2**77 trials.
    """
    at_least(digest, KEY_LENGTH, "the digest")
    return _spoken(_digits(int.from_bytes(digest, "big"), PASSPHRASE_WORDS))


def secret_to_words(secret: bytes, context: bytes) -> str:
    """Return 22 words for a 32-byte secret: 20 that say it and two that check it.

    The check words depend on `context` (study, version, which half), so that a half of another
    key, or the same half twice, is noticed. Another length raises ValueError.
    """
    exactly(secret, KEY_LENGTH, "the secret")
    digits = _digits(int.from_bytes(secret, "big"), SECRET_WORDS)
    return _spoken(digits + _check_digits(secret, context))


def words_to_secret(text: str, context: bytes) -> bytes:
    """Read 22 typed words back to the 32-byte secret.

    Capitals and spacing do not matter. Anything else that differs raises MistypedWords with the
    positions to look at: a word that is not in the list, one wrong word, or two that changed
    places. A wrong text passes with a chance of 1 in 60 million.
    """
    digits = _read(text)
    secret = _secret_if_valid(digits, context)
    if secret is not None:
        return secret
    positions = _suspects(digits, context)
    if len(positions) == 2:
        raise MistypedWords(f"Words {positions[0]} and {positions[1]} changed places.", positions)
    if positions:
        raise MistypedWords(f"Word {positions[0]} is not the printed one.", positions)
    raise MistypedWords(
        "The words do not belong together. Check that this is the right sheet, then every word."
    )


def secret_if_it_fits(text: str, context: bytes) -> bytes | None:
    """Read typed words back, or None when they are of another context or not as printed.

    For asking which of several sheets somebody typed. A word that is in no list and a wrong number
    of words are MistypedWords, whatever the context.
    """
    return _secret_if_valid(_read(text), context)


def _spoken(digits: list[int]) -> str:
    words = word_list()
    return " ".join(words[digit] for digit in digits)


def _digits(number: int, count: int) -> list[int]:
    digits = []
    for _ in range(count):
        number, digit = divmod(number, BASE)
        digits.append(digit)
    return digits[::-1]


def _number(digits: list[int]) -> int:
    number = 0
    for digit in digits:
        number = number * BASE + digit
    return number


def _read(text: str) -> list[int]:
    typed = unicodedata.normalize("NFKD", text).casefold().split()
    place = {word: digit for digit, word in enumerate(word_list())}
    unknown = tuple(at for at, word in enumerate(typed, start=1) if word not in place)
    if unknown:
        raise MistypedWords(f"Word {unknown[0]} is not in the word list.", unknown)
    if len(typed) != PRINTED_WORDS:
        raise MistypedWords(f"The sheet has {PRINTED_WORDS} words; {len(typed)} were typed.")
    return [place[word] for word in typed]


def _check_digits(secret: bytes, context: bytes) -> list[int]:
    check = hashlib.sha256(encode("printed-words", context) + secret).digest()
    return _digits(int.from_bytes(check, "big"), CHECK_WORDS)


def _secret_if_valid(digits: list[int], context: bytes) -> bytes | None:
    number = _number(digits[:SECRET_WORDS])
    if number >= 2 ** (8 * KEY_LENGTH):
        return None
    secret = number.to_bytes(KEY_LENGTH, "big")
    return secret if _check_digits(secret, context) == digits[SECRET_WORDS:] else None


def _suspects(digits: list[int], context: bytes) -> tuple[int, ...]:
    # Everyone who types these words holds the sheet: naming the place gives nothing away.
    for at, other in combinations(range(PRINTED_WORDS), 2):
        swapped = list(digits)
        swapped[at], swapped[other] = swapped[other], swapped[at]
        if _secret_if_valid(swapped, context) is not None:
            return at + 1, other + 1
    for at in range(PRINTED_WORDS):
        if any(_secret_if_valid(tried, context) is not None for tried in _replaced(digits, at)):
            return (at + 1,)
    return ()


def _replaced(digits: list[int], at: int) -> Iterator[list[int]]:
    tried = list(digits)
    for digit in range(BASE):
        tried[at] = digit
        yield tried
