"""Whose keys signed a part of a list: asked of the signature, never of who has keys today.

A loader who forgot the passphrase has other keys since, or none. The public halves of the former
ones are kept, and only those that signed a part can stand on its certificate.
"""

from __future__ import annotations

from pharmacy.domain.errors import Refusal
from pharmacy.services.act import Act
from pharmacy.unblinded import list_parts
from pharmacy.unblinded.holders import known_keys
from pharmacy.unblinded.list_parts import Part
from pharmacy.unblinded.private_record import PublicKeys
from pharmacy.unblinded.taken_slots import CHANGED


def signing_keys(act: Act, loaded: Part) -> PublicKeys:
    """The keys by which a part's signature holds, in use or former; refused (409) if none do."""
    before = list_parts.chain_before(act, loaded.part)
    for keys in known_keys(act, loaded.loaded_by):
        if list_parts.is_signed(loaded, keys.signing_public, loaded.slots_digest, before):
            return keys
    raise Refusal(CHANGED)
