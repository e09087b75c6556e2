"""When an account password is good enough: long, not common, not made of the names around it.

Source: NIST SP 800-63B-4, 3.1.1.2 (G1 to G4): length counts, every character is welcome, there
are no rules about kinds of characters, and a refusal says why.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterable

SHORTEST, LONGEST = 15, 256
_NAMES_AROUND = ("twinbag", "pharmacy", "infusion", "trial", "study")
_SHORTEST_NAME = 4
_OWN_CHARACTERS = 8
_DIGITS = "0123456789"

TOO_SHORT = f"Choose at least {SHORTEST} characters; a few unrelated words are easiest to keep."
TOO_LONG = f"Choose at most {LONGEST} characters."
REPEATED = "This password repeats a short piece. Choose a few unrelated words instead."
COMMON = "This password is on a list of common passwords. Choose a few unrelated words instead."
NAMES = "This password is made of your name or names of the study. Choose unrelated words instead."


def password_problem(
    password: str, context_words: Iterable[str], common: Container[str]
) -> str | None:
    """Return a sentence for the person if this new password is refused, else None.

    `context_words` are the person's user name and full name, the study, site and trial;
    `common` holds common passwords in lower case. Refused: fewer than 15 or more than 256
    characters after NFKC, one short piece repeated, a common password (also with digits or a name
    around it, or two of them joined), and names with fewer than eight letters or digits besides.
    """
    normal = unicodedata.normalize("NFKC", password)
    if len(normal) < SHORTEST:
        return TOO_SHORT
    if len(normal) > LONGEST:
        return TOO_LONG
    folded = normal.casefold()
    if _repeats_short_piece(folded):
        return REPEATED
    letters = _letters_and_digits(folded)
    own = _without_names(letters, context_words)
    if own != letters and len(own) < _OWN_CHARACTERS:
        return NAMES
    if folded in common or _is_common(letters, common) or _is_common(own, common):
        return COMMON
    return None


def _letters_and_digits(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


def _repeats_short_piece(text: str) -> bool:
    return any(
        text == (text[:length] * len(text))[: len(text)] for length in range(1, _OWN_CHARACTERS)
    )


def _is_common(letters: str, common: Container[str]) -> bool:
    if letters in common or letters.strip(_DIGITS) in common:
        return True
    cuts = range(1, len(letters))
    return any(letters[:cut] in common and letters[cut:] in common for cut in cuts)


def _without_names(letters: str, context_words: Iterable[str]) -> str:
    names = set(_NAMES_AROUND)
    for word in context_words:
        folded = unicodedata.normalize("NFKC", word).casefold()
        pieces = "".join(c if c.isalnum() else " " for c in folded).split()
        names.update([*pieces, "".join(pieces)])
    for name in sorted(names, key=lambda name: (-len(name), name)):
        if len(name) >= _SHORTEST_NAME:
            letters = letters.replace(name, "")
    return letters
