"""The study's keys in force, and the former record keys that they open.

A rotation makes the next version. What must not be rewritten, the unblinded trail above all, stays
sealed under the record key of its time, which is kept sealed under the next one.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pharmacy.crypto.aead import open_sealed
from pharmacy.crypto.commitments import keyed_digest
from pharmacy.domain.errors import Refusal
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts
from pharmacy.unblinded.locked import KeysChanged
from pharmacy.unblinded.tables import KEY_SIZE, StudyKeys
from pharmacy.unblinded.tables_keys import KeyChain

FIRST = 1


@dataclass(frozen=True, repr=False)
class Ring:
    """Every record key of a study by version, and how many trail entries each had seen."""

    keys: dict[int, bytes]
    ends: tuple[tuple[int, int], ...]

    def of_entry(self, seq: int) -> bytes:
        """The key that the trail's entry of this number is sealed under."""
        former = (self.keys[version] for version, entries in self.ends if seq <= entries)
        return next(former, self.keys[max(self.keys)])


def study_keys(act: Act) -> StudyKeys | None:
    """The version of the act's study's keys that is in force; None before they are founded."""
    return _newest(act.uow.session, act.in_study.id)


def in_force(act: Act) -> StudyKeys:
    """The same, refused (409) before they are founded."""
    found = study_keys(act)
    if found is None:
        raise Refusal("The study's keys are not made yet.")
    return found


def version_of(act: Act, version: int) -> StudyKeys | None:
    """One version of the act's study's keys."""
    return act.uow.session.get(StudyKeys, (act.in_study.id, version))


def later_than(act: Act, version: int) -> list[StudyKeys]:
    """Every later version, in order."""
    query = sa.select(StudyKeys).where(
        StudyKeys.study_id == act.in_study.id, StudyKeys.version > version
    )
    return list(act.uow.session.scalars(query.order_by(StudyKeys.version)))


def founded_bytes(keys: StudyKeys) -> bytes:
    """What the founder, or a later holder, signs: every public fact of a version's keys."""
    return b"".join(
        (keys.list_commitment, keys.record_commitment, keys.inbox_public, keys.recovery_public)
    )


def link_bytes(before: StudyKeys, made: StudyKeys, maker_digest: bytes) -> bytes:
    """What whoever rotates signs for ever: from which version to which, and who they are."""
    parts = (
        one for keys in (before, made)
        for one in (keys.list_commitment, keys.record_commitment, keys.inbox_public)
    )
    return b"".join(parts) + maker_digest


def hold(act: Act, version: int) -> None:
    """Let no rotation pass before this act is committed; `KeysChanged` when one has.

    Asked by whatever is about to seal something under the study's keys.
    """
    query = sa.select(StudyKeys.version).where(StudyKeys.study_id == act.in_study.id)
    newest = query.order_by(StudyKeys.version.desc()).limit(1)
    found = act.uow.session.scalars(newest.with_for_update(read=True)).one()
    if found != version:
        raise KeysChanged


def hold_alone(act: Act, version: int) -> None:
    """Let nobody seal anything under the study's keys before this act is committed."""
    query = sa.select(StudyKeys.version).where(StudyKeys.study_id == act.in_study.id)
    newest = query.order_by(StudyKeys.version.desc()).limit(1)
    if act.uow.session.scalars(newest.with_for_update()).one() != version:
        raise KeysChanged


def check_record_key(session: Session, study_id: str, record_key: bytes) -> None:
    """The same asked by the key itself: `KeysChanged` unless it is the record key in force."""
    query = sa.select(StudyKeys).where(StudyKeys.study_id == study_id)
    newest = query.order_by(StudyKeys.version.desc()).limit(1)
    _check_in_force(session.scalars(newest.with_for_update(read=True)).one(), record_key)


def ring(session: Session, study_id: str, record_key: bytes) -> Ring:
    """The record keys that the one in force opens; `KeysChanged` for one that is not in force."""
    links = session.scalars(
        sa.select(KeyChain).where(KeyChain.study_id == study_id).order_by(KeyChain.version.desc())
    ).all()
    newest = links[0].version + 1 if links else FIRST
    _check_in_force(session.get_one(StudyKeys, (study_id, newest)), record_key)
    keys = {newest: record_key}
    for link in links:
        context = contexts.key_chain(study_id, link.version)
        keys[link.version] = open_sealed(keys[link.version + 1], link.record_key, KEY_SIZE, context)
    return Ring(keys, tuple((link.version, link.entries) for link in reversed(links)))


def _check_in_force(made: StudyKeys, record_key: bytes) -> None:
    context = contexts.study_key(made.study_id, made.version, "record")
    if not hmac.compare_digest(made.record_commitment, keyed_digest(record_key, context)):
        raise KeysChanged


def _newest(session: Session, study_id: str) -> StudyKeys | None:
    query = sa.select(StudyKeys).where(StudyKeys.study_id == study_id)
    return session.scalars(query.order_by(StudyKeys.version.desc()).limit(1)).one_or_none()
