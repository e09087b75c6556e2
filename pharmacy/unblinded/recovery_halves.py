"""The halves of a recovery key: two pairs, four sheets, and reading two of them back.

Either pair gives the key. A half of one pair with a half of the other is 32 random bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pharmacy.crypto.commitments import halves, join
from pharmacy.crypto.errors import MistypedWords
from pharmacy.crypto.words import (
    fingerprint_words,
    secret_if_it_fits,
    secret_to_words,
    words_to_secret,
)
from pharmacy.crypto.wrapping import key_pair
from pharmacy.domain.errors import BadForm
from pharmacy.services.surroundings import Surroundings
from pharmacy.unblinded import contexts
from pharmacy.unblinded.tables_recovery import SHEETS

PAIRS = (("A1", "B1"), ("A2", "B2"))
FIELDS = ("first_sheet", "second_sheet")
_CHECK_WORDS = 2
_NO_PAIR = (
    "These are sheets {one} and {other}. Only two of one pair make the key: A1 with B1, or A2 "
    "with B2."
)
_OF_NOTHING = (
    "These words are on no sheet of this study's recovery key {number}. Look at the study and the "
    "number on the sheet; sheets of an older key are void."
)


@dataclass(frozen=True, repr=False)
class RecoverySheet:
    """One half as it is printed. `check` stands on the envelope, too, and is no secret."""

    name: str
    words: str
    check: str


@dataclass(frozen=True, repr=False)
class RecoverySheets:
    """The four halves of a recovery key, shown once. `number` stands on all of them."""

    number: str
    sheets: tuple[RecoverySheet, ...]

    def words(self, *names: str) -> tuple[str, ...]:
        """The words of these sheets, such as A1 and B1."""
        return tuple(next(one.words for one in self.sheets if one.name == name) for name in names)


@dataclass(frozen=True, repr=False)
class Joined:
    """The recovery key that two sheets of one pair gave; `pair` names its first sheet."""

    pair: str
    private: bytes


def number_of(recovery_public: bytes) -> str:
    """The number of a recovery key as it stands on its sheets."""
    return recovery_public.hex()[:8].upper()


def check_words(study_id: str, recovery_public: bytes, sheet: str) -> str:
    """The two words outside a sheet's envelope: they follow from what is public."""
    said = contexts.recovery_outside(study_id, recovery_public, sheet)
    return " ".join(fingerprint_words(hashlib.sha256(said).digest()).split()[:_CHECK_WORDS])


def split(study_id: str, private: bytes, around: Surroundings) -> RecoverySheets:
    """Halve a recovery key twice, each time with fresh chance."""
    public = key_pair(private)[1]
    sheets = []
    for pair in PAIRS:
        both = halves(private, around.random_bytes("lit recovery half", 32))
        for name, half in zip(pair, both, strict=True):
            words = secret_to_words(half, contexts.recovery_half(study_id, public, name))
            sheets.append(RecoverySheet(name, words, check_words(study_id, public, name)))
    return RecoverySheets(number_of(public), tuple(sheets))


def join_sheets(study_id: str, recovery_public: bytes, first: str, second: str) -> Joined:
    """The recovery key from the words of two sheets, in any order, typed or scanned.

    `BadForm` beside the sheet that is not as printed, of another key or study, or no pair with
    the other one.
    """
    read, errors = {}, {}
    for field, text in zip(FIELDS, (first, second), strict=True):
        try:
            name, half = _read(study_id, recovery_public, text)
            read[name] = half
        except MistypedWords as wrong:
            errors[field] = wrong.sentence
    if errors:
        raise BadForm(errors)
    names = sorted(read)
    if tuple(names) not in PAIRS:
        raise BadForm({FIELDS[1]: _NO_PAIR.format(one=names[0], other=names[-1])})
    private = join(*read.values())
    if key_pair(private)[1] != recovery_public:
        raise BadForm({FIELDS[1]: _OF_NOTHING.format(number=number_of(recovery_public))})
    return Joined(names[0], private)


def _read(study_id: str, recovery_public: bytes, text: str) -> tuple[str, bytes]:
    where = {name: contexts.recovery_half(study_id, recovery_public, name) for name in SHEETS}
    for name, context in where.items():
        half = secret_if_it_fits(text, context)
        if half is not None:
            return name, half
    raise _nearest(text, tuple(where.values()), number_of(recovery_public))


def _nearest(text: str, of: tuple[bytes, ...], number: str) -> MistypedWords:
    """The sentence that names the word to look at, of whichever sheet it nearly is."""
    for context in of:
        try:
            words_to_secret(text, context)
        except MistypedWords as wrong:
            if wrong.positions:
                return wrong
    return MistypedWords(_OF_NOTHING.format(number=number))
