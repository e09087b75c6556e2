"""What only one person can open: their two private keys, and the pins they compare against.

A pin is what the person saw and trusted once: commitments of a study's keys and list, and the
other holders' fingerprints. Someone who can write the database cannot write here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Protocol

from pharmacy.crypto.aead import open_sealed, seal
from pharmacy.crypto.deriving import fingerprint_of_secret, passphrase_key
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.server_secret import each_of
from pharmacy.crypto.words import fingerprint_words
from pharmacy.domain.errors import WrongPassphrase
from pharmacy.services.surroundings import Deriver, Surroundings
from pharmacy.unblinded import contexts
from pharmacy.unblinded.tables import PRIVATE_RECORD_SIZE, HolderKeys, StudyKeys

_WRONG = "That is not the passphrase. It is the six words you were given, not your password."


class PublicKeys(Protocol):
    """A person's two public keys, those in use or former ones."""

    person_id: str
    exchange_public: bytes
    signing_public: bytes


@dataclass
class StudyPins:
    """What a person trusts of one study; hexadecimal. `loaded` is the list's commitment.

    `grown` stands for the list as far as its newest part, empty while there is only the first.
    `slots` is the digest of the list's ciphertexts, pinned by investigators, who open one of them.
    `holders` are fingerprints by person; `former` those of people who made new keys since, whose
    older signatures of this version still count; `record_only` whoever holds no list key.
    """

    version: int
    list_commitment: str
    record_commitment: str
    loaded: str = ""
    slots: str = ""
    grown: str = ""
    holders: dict[str, str] = field(default_factory=dict)
    former: dict[str, str] = field(default_factory=dict)
    record_only: list[str] = field(default_factory=list)

    def pinned(self) -> Iterator[tuple[str, bytes]]:
        """Every trusted fingerprint with its person."""
        yield from ((who, bytes.fromhex(digest)) for who, digest in self.holders.items())
        yield from ((who, bytes.fromhex(digest)) for digest, who in self.former.items())

    def pin(self, person_id: str, digest: bytes, *, with_list: bool) -> None:
        """Trust a fingerprint; what was pinned of this person before becomes a former one."""
        said, old = digest.hex(), self.holders.get(person_id)
        if old is not None and old != said:
            self.former[old] = person_id
        self.former.pop(said, None)
        self.holders[person_id] = said
        if with_list:
            self.record_only = [one for one in self.record_only if one != said]
        elif said not in self.record_only:
            self.record_only.append(said)

    def is_of(self, made: StudyKeys) -> bool:
        """Whether these are the pins of that very version."""
        said = (made.version, made.list_commitment.hex(), made.record_commitment.hex())
        return (self.version, self.list_commitment, self.record_commitment) == said

    def move_to(self, made: StudyKeys, maker: PublicKeys) -> None:
        """Trust a later version and its maker; the list is still the one that was pinned."""
        self.version = made.version
        self.list_commitment = made.list_commitment.hex()
        self.record_commitment = made.record_commitment.hex()
        self.slots = ""
        self.holders = {maker.person_id: digest_of(maker).hex()}
        self.former, self.record_only = {}, []


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


def digest_of(keys: PublicKeys) -> bytes:
    """The 32 bytes that a holder's six words stand for."""
    return hashlib.sha256(
        contexts.holder_fingerprint(keys.person_id, keys.exchange_public, keys.signing_public)
    ).digest()


def six_words(keys: PublicKeys) -> str:
    """A holder's fingerprint as two people read it to each other."""
    return fingerprint_words(digest_of(keys))


def record_key(
    keys: HolderKeys, passphrase: str, deriver: Deriver, pepper: bytes, salt: bytes | None = None
) -> bytes:
    """The key of a private record: slow from the passphrase, joined with the pepper of now.

    `salt` is another than the record's own when the passphrase is being changed.
    """
    return passphrase_key(deriver(passphrase, salt or keys.salt), bytes(pepper), _context(keys))


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
            record = open_with(keys, key)
        except CannotOpen:
            continue
        outdated = key != peppered[0] or keys.under_pepper != under
        return Unlocked(record, peppered[0], under, outdated)
    raise WrongPassphrase(_WRONG, 403)


def open_with(keys: HolderKeys, key: bytes) -> PrivateRecord:
    """Open a private record with its key; `CannotOpen` with another one."""
    data = open_sealed(key, keys.private_record, PRIVATE_RECORD_SIZE, _context(keys))
    return PrivateRecord.from_bytes(data)


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
