"""Whom a recovery key vouches for: the two people of its anchor, and whom it gave the keys."""

from __future__ import annotations

from collections.abc import Callable

from pharmacy.crypto.signing import verify
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts
from pharmacy.unblinded.holders import known_keys
from pharmacy.unblinded.private_record import PublicKeys, digest_of
from pharmacy.unblinded.tables_recovery import RecoveryGrant, RecoveryKey

Signed = Callable[[str, bytes, bytes, bytes, str], bool]


def people_of(act: Act, row: RecoveryKey) -> dict[str, str]:
    """Founder and maker of an anchor that holds, by the fingerprints it names."""
    said = {row.founder_id: row.founder_digest, row.made_by: row.maker_digest}
    return {
        person_id: digest.hex()
        for person_id, digest in said.items()
        if digest in {digest_of(keys) for keys in known_keys(act, person_id)}
    }


def vouched(act: Act, grant: RecoveryGrant, keys: PublicKeys, signed: Signed) -> bool:
    """Whether a recovery key gave this person the study's keys, and a trusted holder had made it.

    `signed` says whether somebody who is trusted with the list key signed something.
    """
    row = act.uow.session.get(RecoveryKey, (grant.study_id, grant.number))
    if row is None:
        return False
    made = contexts.recovery_made(row.study_id, row.number)
    if not signed(row.made_by, made, made_bytes(row), row.signature, "list"):
        return False
    said = contexts.recovery_grant(row.study_id, row.number, keys.person_id)
    return verify(row.signing_public, said, digest_of(keys), grant.signature)


def made_bytes(row: RecoveryKey) -> bytes:
    """What the holder who made it signs."""
    parts = (row.public, row.signing_public, row.canary, row.canary_commitment, row.anchor)
    return b"".join(parts)
