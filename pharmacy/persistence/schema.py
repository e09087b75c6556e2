"""All blinded tables by import, so that the metadata is whole."""

from __future__ import annotations

from pharmacy.persistence import (
    approvals,
    assessments,
    audit,
    authenticators,
    bags,
    break_cards,
    card_keeping,
    courses,
    factors,
    going_live,
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
    approvals,
    audit,
    authenticators,
    bags,
    break_cards,
    card_keeping,
    courses,
    factors,
    going_live,
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
