"""Making a recovery key: its halves, its canary, what it vouches for, and what is sealed to it.

The private half is in the hands of whoever makes it for one request, and on paper afterwards.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.crypto.commitments import commit, keyed_digest, proves
from pharmacy.crypto.context import context
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.signing import sign, signing_key_pair, verify
from pharmacy.crypto.wrapping import key_pair, unwrap, wrap
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, recovery_halves, server_secrets
from pharmacy.unblinded.granting import Recipient, wrap_keys
from pharmacy.unblinded.recovery_halves import RecoverySheets
from pharmacy.unblinded.recovery_trust import made_bytes
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.tables import KeyWrap, StudyKeys
from pharmacy.unblinded.tables_recovery import RecoveryKey

RECOVERY = "recovery"


@dataclass(frozen=True, repr=False)
class Drawn:
    """A recovery key that was drawn and is kept nowhere yet."""

    private: bytes
    public: bytes


@dataclass(frozen=True, repr=False)
class Maker:
    """Who makes a recovery key: their signing key, and the founder's and their own fingerprint."""

    signing_private: bytes
    founder: bytes
    own: bytes


def draw(act: Act) -> Drawn:
    """A new recovery key."""
    return Drawn(*key_pair(act.surroundings.random_bytes("lit recovery key", 32)))


def current(act: Act) -> RecoveryKey | None:
    """The recovery key that counts; None before the first, and where it is of an older version."""
    query = sa.select(RecoveryKey).where(RecoveryKey.study_id == act.in_study.id)
    return act.uow.session.scalars(query.order_by(RecoveryKey.number.desc()).limit(1)).first()


def keep(
    act: Act,
    made: StudyKeys,
    drawn: Drawn,
    secrets: dict[str, bytes],
    maker: Maker,
    server: ServerSecrets,
) -> RecoverySheets:
    """Wrap the study's keys to a drawn key in place of an older one's; returns its sheets.

    `made` names the drawn key and is signed already. What was wrapped to the older one is gone.
    """
    old = sa.delete(KeyWrap).where(KeyWrap.study_id == made.study_id, KeyWrap.recipient == RECOVERY)
    act.uow.session.execute(old)
    recipient = Recipient(RECOVERY, drawn.public, drawn.public)
    wrap_keys(act, secrets, recipient, maker.founder, maker.signing_private)
    act.uow.session.add(_row(act, made, drawn, maker))
    act.uow.session.flush()
    server_secrets.seal(act, drawn.public, server)
    return recovery_halves.split(made.study_id, drawn.private, act.surroundings)


def canary_opens(row: RecoveryKey, private: bytes) -> bool:
    """Whether this key opens the canary, and nothing else is asked of it."""
    about = contexts.recovery_canary(row.study_id, row.public)
    try:
        canary = unwrap(private, row.canary, about)
    except CannotOpen:
        return False
    return proves(row.canary_commitment, canary, about)


def signing_pair(study_id: str, drawn: Drawn) -> tuple[bytes, bytes]:
    """The signing key that only the two halves give."""
    about = contexts.recovery_signing(study_id, drawn.public)
    return signing_key_pair(keyed_digest(drawn.private, about))


def digest_of_keys(made: StudyKeys) -> bytes:
    """The study's keys as one hash: commitments under random keys, so that it tells nothing."""
    said = (made.list_commitment, made.record_commitment, made.inbox_public)
    return hashlib.sha256(made.version.to_bytes(4, "big") + b"".join(said)).digest()


def anchored(row: RecoveryKey, drawn: Drawn) -> bool:
    """Whether the recovery key itself has signed what the row says of keys and people."""
    public = signing_pair(row.study_id, drawn)[1]
    said = contexts.recovery_anchor(row.study_id, row.number)
    return row.signing_public == public and verify(public, said, _anchor_bytes(row), row.anchor)


def _anchor_bytes(row: RecoveryKey) -> bytes:
    people = context("people", row.founder_id, row.made_by)
    return people + row.founder_digest + row.maker_digest + row.keys_digest


def _row(act: Act, made: StudyKeys, drawn: Drawn, maker: Maker) -> RecoveryKey:
    older, study_id = current(act), made.study_id
    number = older.number + 1 if older else 1
    signing_private, signing_public = signing_pair(study_id, drawn)
    canary = act.surroundings.random_bytes("lit recovery canary", 32)
    about = contexts.recovery_canary(study_id, drawn.public)
    row = RecoveryKey(
        study_id=study_id,
        number=number,
        key_version=made.version,
        public=drawn.public,
        signing_public=signing_public,
        founder_id=made.founder_id,
        founder_digest=maker.founder,
        made_by=act.person.id,
        maker_digest=maker.own,
        keys_digest=digest_of_keys(made),
        canary=wrap(drawn.public, canary, about),
        canary_commitment=commit(canary, about),
    )
    anchor = contexts.recovery_anchor(study_id, number)
    row.anchor = sign(signing_private, anchor, _anchor_bytes(row))
    said = contexts.recovery_made(study_id, number)
    row.signature = sign(maker.signing_private, said, made_bytes(row))
    return row
