"""Pepper and break key sealed to a study's recovery key: losing the server loses no trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.crypto.deriving import fingerprint_of_secret
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.server_secret import each_of
from pharmacy.crypto.wrapping import unwrap, wrap
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts
from pharmacy.unblinded.tables_recovery import SealedServerSecret

# The name of each secret here, its setting, and what its fingerprint is made for.
SETTINGS: Mapping[str, tuple[str, str]] = {
    "pepper": ("TWINBAG_PEPPER", "pepper"),
    "break_key": ("TWINBAG_BREAK_KEY", "break-key"),
    "pepper_before": ("TWINBAG_PEPPER_BEFORE", "pepper"),
    "break_key_before": ("TWINBAG_BREAK_KEY_BEFORE", "break-key"),
}


@dataclass(frozen=True, repr=False)
class ServerSecrets:
    """What the installation adds: its pepper, and the key of its half of every slot's key."""

    pepper: bytes
    break_key: bytes

    def named(self) -> dict[str, bytes]:
        """Each secret that there is, by its name; while one is changed, the one before as well."""
        found = {}
        for name, secret in (("pepper", self.pepper), ("break_key", self.break_key)):
            for kept, each in zip((name, f"{name}_before"), each_of(secret), strict=False):
                found[kept] = each
        return found


def seal(act: Act, recovery_public: bytes, secrets: ServerSecrets) -> None:
    """Seal the server's secrets to a study's recovery key, in place of what was sealed before.

    The caller has made or compared that key.
    """
    study_id = act.in_study.id
    old = sa.delete(SealedServerSecret).where(SealedServerSecret.study_id == study_id)
    act.uow.session.execute(old)
    for name, secret in secrets.named().items():
        context = contexts.server_secret(study_id, recovery_public, name)
        row = SealedServerSecret(
            study_id=study_id,
            name=name,
            fingerprint=fingerprint(name, secret),
            wrapped=wrap(recovery_public, secret, context),
        )
        act.uow.session.add(row)
    act.uow.session.flush()


def are_sealed(act: Act, secrets: ServerSecrets) -> bool:
    """Whether what is sealed to the recovery key are the secrets of now."""
    query = sa.select(SealedServerSecret).where(SealedServerSecret.study_id == act.in_study.id)
    kept = {row.name: row.fingerprint for row in act.uow.session.scalars(query)}
    return kept == {name: fingerprint(name, each) for name, each in secrets.named().items()}


def fingerprint(name: str, secret: bytes) -> bytes:
    """By what a database knows a secret."""
    return fingerprint_of_secret(secret, SETTINGS[name][1])


def opened(study_id: str, recovery_private: bytes, public: bytes, name: str, row: bytes) -> bytes:
    """One sealed secret opened with the recovery key; `CannotOpen` whatever is wrong."""
    secret = unwrap(recovery_private, row, contexts.server_secret(study_id, public, name))
    if len(secret) != 32:
        raise CannotOpen
    return secret
