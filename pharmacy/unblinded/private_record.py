"""What only one person can open: their two private keys, and the pins they compare against.

A pin is what the person saw and trusted once: commitments of a study's keys and list, and the
other holders' fingerprints. Someone who can write the database cannot write here.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field

from pharmacy.crypto.aead import open_sealed, seal
from pharmacy.crypto.deriving import fingerprint_of_secret, passphrase_key
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.server_secret import each_of
from pharmacy.crypto.words import fingerprint_words
from pharmacy.domain.errors import WrongPassphrase
from pharmacy.services.surroundings import Deriver, Surroundings
from pharmacy.unblinded import contexts
from pharmacy.unblinded.tables import PRIVATE_RECORD_SIZE, HolderKeys

_WRONG = "That is not the passphrase. It is the six words you were given, not your password."


@dataclass
class StudyPins:
    """What a person trusts of one study; hexadecimal. `loaded` is the list's commitment.

    `grown` stands for the list as far as its newest part, empty while there is only the first.
    `slots` is the digest of the list's ciphertexts, pinned by investigators, who open one of them.
    """

    version: int
    list_commitment: str
    record_commitment: str
    loaded: str = ""
    slots: str = ""
    grown: str = ""
    holders: dict[str, str] = field(default_factory=dict)


@dataclass(repr=False)
class PrivateRecord:
    """Two private keys and the pins by study."""

    exchange_private: bytes
    signing_private: bytes
    pins: dict[str, StudyPins] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """As it is sealed."""
        return json.dumps(
            {
                "exchange": self.exchange_private.hex(),
                "signing": self.signing_private.hex(),
                "pins": {study: asdict(pins) for study, pins in self.pins.items()},
            }
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> PrivateRecord:
        """As it was sealed."""
        raw = json.loads(data)
        pins = {study: StudyPins(**value) for study, value in raw["pins"].items()}
        return cls(bytes.fromhex(raw["exchange"]), bytes.fromhex(raw["signing"]), pins)


@dataclass(frozen=True, repr=False)
class Unlocked:
    """A private record that its passphrase has opened, with the key to seal it again.

    `under_pepper` is the fingerprint of the pepper in that key. `outdated`: it was sealed under the
    pepper of before, and is to be sealed again.
    """

    record: PrivateRecord
    key: bytes
    under_pepper: bytes = b""
    outdated: bool = False


def digest_of(keys: HolderKeys) -> bytes:
    """The 32 bytes that a holder's six words stand for."""
    return hashlib.sha256(
        contexts.holder_fingerprint(keys.person_id, keys.exchange_public, keys.signing_public)
    ).digest()


def six_words(keys: HolderKeys) -> str:
    """A holder's fingerprint as two people read it to each other."""
    return fingerprint_words(digest_of(keys))


def record_key(keys: HolderKeys, passphrase: str, deriver: Deriver, pepper: bytes) -> bytes:
    """The key of a private record: slow from the passphrase, joined with the pepper of now."""
    return passphrase_key(deriver(passphrase, keys.salt), bytes(pepper), _context(keys))


def pepper_fingerprint(pepper: bytes) -> bytes:
    """By what a row says under which pepper it is, as `known_secret` does."""
    return fingerprint_of_secret(bytes(pepper), "pepper")


def unlock(keys: HolderKeys, passphrase: str, deriver: Deriver, pepper: bytes) -> Unlocked:
    """Open a private record; the wrong passphrase, or none, is `WrongPassphrase`.

    The slow step is done once; while the pepper is being changed, both are joined with it. What
    is returned seals under the pepper of now.
    """
    try:
        derived = deriver(passphrase, keys.salt)
        peppered = [passphrase_key(derived, each, _context(keys)) for each in each_of(pepper)]
    except ValueError:
        raise WrongPassphrase(_WRONG, 403) from None
    under = pepper_fingerprint(pepper)
    for key in peppered:
        try:
            data = open_sealed(key, keys.private_record, PRIVATE_RECORD_SIZE, _context(keys))
        except CannotOpen:
            continue
        outdated = key != peppered[0] or keys.under_pepper != under
        return Unlocked(PrivateRecord.from_bytes(data), peppered[0], under, outdated)
    raise WrongPassphrase(_WRONG, 403)


def keep(keys: HolderKeys, unlocked: Unlocked, surroundings: Surroundings) -> None:
    """Seal a private record again after its pins changed."""
    if unlocked.under_pepper:
        keys.under_pepper = unlocked.under_pepper
    keys.private_record = seal(
        unlocked.key,
        unlocked.record.to_bytes(),
        PRIVATE_RECORD_SIZE,
        _context(keys),
        surroundings.random_bytes("lit private record", 32),
    )


def _context(keys: HolderKeys) -> bytes:
    return contexts.private_record(keys.person_id, keys.exchange_public, keys.signing_public)
