"""Whom a recovery key vouches for: the two people of its anchor, and whom it gave the keys."""

from __future__ import annotations

from collections.abc import Callable

from pharmacy.crypto.signing import verify
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, private_record
from pharmacy.unblinded.holders import keys_of
from pharmacy.unblinded.recovery_key import made_bytes
from pharmacy.unblinded.tables import HolderKeys
from pharmacy.unblinded.tables_recovery import RecoveryGrant, RecoveryKey


def people_of(act: Act, row: RecoveryKey) -> dict[str, str]:
    """Founder and maker of an anchor that holds, as far as they still have those keys."""
    said = {row.founder_id: row.founder_digest, row.made_by: row.maker_digest}
    return {
        person_id: digest.hex()
        for person_id, digest in said.items()
        if (keys := keys_of(act, person_id)) is not None
        and private_record.digest_of(keys) == digest
    }


def vouched(act: Act, keys: HolderKeys, trusted: Callable[[str], HolderKeys]) -> bool:
    """Whether a recovery key gave this person the study's keys, and a trusted holder had made it.

    `trusted` is asked for the maker's keys and refuses (409) somebody who is not.
    """
    grant = act.uow.session.get(RecoveryGrant, (act.in_study.id, keys.person_id))
    if grant is None:
        return False
    row = act.uow.session.get(RecoveryKey, (grant.study_id, grant.number))
    if row is None:
        return False
    maker = trusted(row.made_by)
    made = contexts.recovery_made(row.study_id, row.number)
    if not verify(maker.signing_public, made, made_bytes(row), row.signature):
        return False
    said = contexts.recovery_grant(row.study_id, row.number, keys.person_id)
    digest = private_record.digest_of(keys)
    return verify(row.signing_public, said, digest, grant.signature)
