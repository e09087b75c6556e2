"""Which new passwords are refused, and why (G1 to G4)."""

from __future__ import annotations

import pytest

from pharmacy.crypto.passwords import common_passwords
from pharmacy.domain.passwords import (
    COMMON,
    NAMES,
    REPEATED,
    TOO_LONG,
    TOO_SHORT,
    password_problem,
)

AROUND = ("jsmith", "Jane Smith-Rivera", "MIGHT", "Birmingham Infusion")


def problem(password: str) -> str | None:
    return password_problem(password, AROUND, common_passwords())


@pytest.mark.parametrize(
    "password",
    [
        "fourteen chars",
        "",
        "\ufb01" * 7,
        "".join(f"{letter}\u0301" for letter in "aeiounszrc"),
    ],
)
def test_fourteen_characters_are_too_few(password):
    """G1: the limit counts characters after NFKC."""
    assert problem(password) == TOO_SHORT


@pytest.mark.parametrize(
    "password",
    [
        "gentle walrus a",
        "alllowercaselettersonly",
        "correct horse battery staple",
        "\u6c34\u706b\u6728\u91d1\u571f\u65e5\u6708\u5c71\u5ddd\u7530\u4eba\u53e3\u8eca\u9580\u96e8",
        "\U0001f980\U0001f40b\U0001f984\U0001f433\U0001f98a" * 2 + "\U0001f41d\U0001f422" * 3,
        "pharmacy walrus kettle",
        "mighty oaks and quiet rivers",
        "gq" + "".join(chr(33 + n * 7 % 90) for n in range(254)),
    ],
)
def test_long_unrelated_words_are_welcome_whatever_their_characters(password):
    """G2: no composition rules; G1: 256 characters, all of Unicode."""
    assert problem(password) is None


def test_upper_limit():
    long = "".join(chr(33 + n * 7 % 90) for n in range(257))
    assert problem(long) == TOO_LONG
    assert problem(long[:256]) is None


@pytest.mark.parametrize(
    "password", ["a" * 15, "abcabcabcabcabca", "1234567" * 3, "Ab1!Ab1!Ab1!Ab1!", " " * 20]
)
def test_repeated_pieces_are_refused(password):
    assert problem(password) == REPEATED


@pytest.mark.parametrize(
    "password",
    [
        "1234567890qwertyuiop",
        "1Q2W3E4R5T6Y7U8I",
        "passwordpassword",
        "Password Password",
        "password sunshine!",
        "!!!!password1234567",
        "2026 sunshine 2026",
        "twinbag-sunshine",
        "sunshine jsmith",
    ],
)
def test_common_passwords_are_refused(password):
    """G3: also two joined, or one with digits or a name around it."""
    assert problem(password) == COMMON


@pytest.mark.parametrize(
    "password",
    [
        "twinbagpharmacy",
        "TwinBag Pharmacy 2026",
        "jsmith jsmith 2026",
        "rivera.smith.jane.1",
        "might-trial-birmingham",
        "JaneSmithRivera!!",
        "infusion study 1234567",
    ],
)
def test_names_around_are_refused(password):
    """G3: user name, person, study, site and the program's own name."""
    assert problem(password) == NAMES


def test_without_the_names_it_would_have_passed():
    """The planted fault: the same password, for somebody else."""
    assert password_problem("rivera.smith.jane.1", (), common_passwords()) is None
    assert password_problem("1q2w3e4r5t6y7u8i", (), frozenset()) is None


def test_no_sentence_quotes_the_password():
    for password in ("jsmith jsmith 2026", "passwordpassword", "short secret"):
        assert password not in str(problem(password))
