"""All blinded tables by import, so that the metadata is whole."""

from __future__ import annotations

from pharmacy.persistence import (
    assessments,
    audit,
    authenticators,
    bags,
    break_cards,
    courses,
    factors,
    infusions,
    known_secrets,
    marks,
    notices,
    participants,
    people,
    scans,
    sign_ins,
    signatures,
    studies,
)

NOUNS = (
    assessments,
    audit,
    authenticators,
    bags,
    break_cards,
    courses,
    factors,
    infusions,
    known_secrets,
    marks,
    notices,
    participants,
    people,
    scans,
    sign_ins,
    signatures,
    studies,
)
