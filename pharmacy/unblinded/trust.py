"""Whose signatures one person believes in one version of a study's keys.

It begins with what they pinned, and goes on along the vouches of people they believe: whoever gave
somebody a key has compared six words with them and signed for it. A vouch for the list key counts
from those only who hold it themselves. Nobody vouches for their own new keys.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from pharmacy.crypto.signing import sign, verify
from pharmacy.domain.errors import Refusal
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, recovery_trust, versions
from pharmacy.unblinded.holders import known_keys
from pharmacy.unblinded.private_record import PublicKeys, StudyPins, digest_of
from pharmacy.unblinded.tables import StudyKeys
from pharmacy.unblinded.tables_keys import KeyChain, Vouch
from pharmacy.unblinded.tables_recovery import RecoveryGrant
from pharmacy.unblinded.taken_slots import CHANGED

_EVERY_KEY = ("list", "record")
Believed = tuple[str, bytes, str]


class Trust:
    """The fingerprints that follow from somebody's pins, by person and name of key."""

    def __init__(self, act: Act, pins: StudyPins) -> None:
        self._act, self._pins = act, pins
        self._known: dict[str, list[PublicKeys]] = {}
        self._believed = set(self._pinned())
        self._follow()

    def signed(
        self, person_id: str, context: bytes, said: bytes, signature: bytes, key_name: str
    ) -> bool:
        """Whether somebody believed to hold that key signed this."""
        return any(
            verify(keys.signing_public, context, said, signature)
            for keys in self.keys(person_id, key_name)
        )

    def keys(self, person_id: str, key_name: str = "record") -> list[PublicKeys]:
        """A person's believed public keys, former ones among them."""
        return [
            keys
            for keys in self._known_of(person_id)
            if (person_id, digest_of(keys), key_name) in self._believed
        ]

    def pin(self) -> None:
        """Put everybody who is believed into the pins; the newest fingerprint stands first."""
        for person_id in sorted({one for one, _, _ in self._believed}):
            for keys in reversed(self.keys(person_id)):
                lists = (person_id, digest_of(keys), "list") in self._believed
                self._pins.pin(person_id, digest_of(keys), with_list=lists)

    def _pinned(self) -> Iterator[Believed]:
        """What was pinned; `CHANGED` when a pinned person's keys are nowhere any more."""
        for person_id, digest in self._pins.pinned():
            if digest not in {digest_of(keys) for keys in self._known_of(person_id)}:
                raise Refusal(CHANGED)
            yield person_id, digest, "record"
            if digest.hex() not in self._pins.record_only:
                yield person_id, digest, "list"

    def _follow(self) -> None:
        query = sa.select(Vouch).where(
            Vouch.study_id == self._act.in_study.id, Vouch.version == self._pins.version
        )
        waiting = list(self._act.uow.session.scalars(query))
        while True:
            found = {
                (row.person_id, row.fingerprint, row.key_name)
                for row in waiting
                if self._holds(row)
            }
            found |= set(self._recovered())
            if found <= self._believed:
                return
            self._believed |= found

    def _recovered(self) -> Iterator[Believed]:
        """Whoever was given the keys by a recovery key that somebody believed has made."""
        grants = sa.select(RecoveryGrant).where(RecoveryGrant.study_id == self._act.in_study.id)
        for grant in self._act.uow.session.scalars(grants):
            for keys in self._known_of(grant.person_id):
                if recovery_trust.vouched(self._act, grant, keys, self.signed):
                    for name in _EVERY_KEY:
                        yield grant.person_id, digest_of(keys), name

    def _holds(self, row: Vouch) -> bool:
        context = contexts.vouch(row.study_id, row.version, row.person_id, row.key_name)
        return row.vouched_by != row.person_id and self.signed(
            row.vouched_by, context, row.fingerprint, row.signature, row.key_name
        )

    def _known_of(self, person_id: str) -> list[PublicKeys]:
        if person_id not in self._known:
            self._known[person_id] = known_keys(self._act, person_id)
        return self._known[person_id]


def vouch(
    act: Act, version: int, keys: PublicKeys, key_name: str, signing_private: bytes
) -> None:
    """Write down that the acting person gave a key to somebody with these public keys."""
    context = contexts.vouch(act.in_study.id, version, keys.person_id, key_name)
    act.uow.session.merge(
        Vouch(
            study_id=act.in_study.id,
            version=version,
            person_id=keys.person_id,
            fingerprint=digest_of(keys),
            key_name=key_name,
            vouched_by=act.person.id,
            signature=sign(signing_private, context, digest_of(keys)),
        )
    )


def founder_digests(act: Act, made: StudyKeys) -> list[bytes]:
    """The fingerprints that the founder of a version has or had: a believed signature names one."""
    return [digest_of(keys) for keys in known_keys(act, made.founder_id)]


def catch_up(act: Act, pins: StudyPins) -> None:
    """Move pins to the version in force, from each to the next that somebody believed has signed.

    `CHANGED` when one was signed by somebody else, names another version before it, or is gone.
    Whom the new version's maker vouches for is believed from then on, and nobody else.
    """
    for made in versions.later_than(act, pins.version):
        before = versions.version_of(act, pins.version)
        link = act.uow.session.get(KeyChain, (made.study_id, made.version - 1))
        if before is None or link is None or not pins.is_of(before):
            raise Refusal(CHANGED)
        context = contexts.key_link(made.study_id, before.version)
        for maker in Trust(act, pins).keys(link.made_by, "list"):
            said = versions.link_bytes(before, made, digest_of(maker))
            if verify(maker.signing_public, context, said, link.link):
                pins.move_to(made, maker)
                break
        else:
            raise Refusal(CHANGED)
