"""Founding a study's keys: the statistician's act, with the recovery key in two printed halves."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.crypto.aead import seal
from pharmacy.crypto.commitments import halves, keyed_digest
from pharmacy.crypto.signing import sign
from pharmacy.crypto.words import secret_to_words
from pharmacy.crypto.wrapping import key_pair
from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Permission
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, private_record, trail
from pharmacy.unblinded.granting import Recipient, unwrap_keys, wrap_keys
from pharmacy.unblinded.holders import unlock_own
from pharmacy.unblinded.private_record import StudyPins
from pharmacy.unblinded.tables import KEY_SIZE, KeyWrap, SealedList, StudyKeys
from pharmacy.unblinded.versions import FIRST, study_keys

RECOVERY = "recovery"
_FOUNDED = (
    "The keys of this study were already made. If the recovery sheets were not printed, make new "
    "sheets."
)


@dataclass(frozen=True, repr=False)
class RecoverySheets:
    """The two halves of the recovery key as words: one sheet for each custodian, shown once.

    `number` stands on both and tells which key they are of.
    """

    first: str
    second: str
    number: str


def found(act: Act, passphrase: str, pepper: bytes) -> RecoverySheets:
    """Make list, record, inbox and recovery key; wrap the first two for founder and recovery.

    Once per study (409). Returns the recovery halves, which nobody can show again.
    """
    act.permit(Permission.LOAD_LIST)
    if study_keys(act) is not None:
        raise Refusal(_FOUNDED)
    keys, unlocked = unlock_own(act, passphrase, pepper)
    draw, study_id = act.surroundings.random_bytes, act.in_study.id
    secrets = {"list": draw("lit list key", 32), "record": draw("lit record key", 32)}
    recovery_private, recovery_public = key_pair(draw("lit recovery key", 32))
    signer = unlocked.record.signing_private
    made = _study_keys(act, secrets, recovery_public, signer)
    digest = private_record.digest_of(keys)
    act.uow.session.add(made)
    act.uow.session.flush()
    founder = Recipient(act.person.id, keys.exchange_public, digest)
    wrap_keys(act, secrets, founder, digest, signer)
    wrap_keys(act, secrets, _recovery(recovery_public), digest, signer)
    unlocked.record.pins[study_id] = StudyPins(
        made.version,
        made.list_commitment.hex(),
        made.record_commitment.hex(),
        holders={act.person.id: digest.hex()},
    )
    private_record.keep(keys, unlocked, act.surroundings)
    trail.begin(act)
    trail.record(act, secrets["record"], "keys_founded", f"study:{study_id}", version=FIRST)
    act.record("study_keys_made", f"study:{study_id}", new={"version": FIRST})
    return _sheets(act, recovery_private, recovery_public)


def may_reissue(act: Act) -> bool:
    """Whether the acting person may make new recovery sheets now."""
    made = study_keys(act)
    loaded = act.uow.session.get(SealedList, act.in_study.id)
    return made is not None and made.founder_id == act.person.id and loaded is None


def reissue_recovery(act: Act, passphrase: str, pepper: bytes) -> RecoverySheets:
    """A new recovery key and new sheets, by the founder until a list is loaded; the old are void.

    For sheets that were not printed or were lost before anything hung on them.
    """
    act.permit(Permission.LOAD_LIST)
    made = study_keys(act)
    if made is None or not may_reissue(act):
        raise Refusal(
            "New recovery sheets are made by whoever made the keys, before a list is loaded."
        )
    keys, unlocked = unlock_own(act, passphrase, pepper)
    secrets = unwrap_keys(act, keys, unlocked.record.exchange_private)
    signer = unlocked.record.signing_private
    recovery_private, recovery_public = key_pair(
        act.surroundings.random_bytes("lit recovery key", 32)
    )
    old = sa.delete(KeyWrap).where(
        KeyWrap.study_id == act.in_study.id, KeyWrap.recipient == RECOVERY
    )
    act.uow.session.execute(old)
    wrap_keys(act, secrets, _recovery(recovery_public), private_record.digest_of(keys), signer)
    made.recovery_public = recovery_public
    made.signature = _signature(made, signer)
    subject = f"study:{act.in_study.id}"
    trail.record(act, secrets["record"], "recovery_reissued", subject)
    act.record("recovery_key_reissued", subject)
    return _sheets(act, recovery_private, recovery_public)


def founded_bytes(keys: StudyKeys) -> bytes:
    """What the founder signs: every public fact of the study's keys."""
    return b"".join(
        (keys.list_commitment, keys.record_commitment, keys.inbox_public, keys.recovery_public)
    )


def _study_keys(
    act: Act, secrets: dict[str, bytes], recovery_public: bytes, signer: bytes
) -> StudyKeys:
    draw, study_id = act.surroundings.random_bytes, act.in_study.id
    inbox_private, inbox_public = key_pair(draw("lit inbox key", 32))
    commitments = {
        name: keyed_digest(secret, contexts.study_key(study_id, FIRST, name))
        for name, secret in secrets.items()
    }
    inbox_context = contexts.inbox_key(study_id, FIRST)
    made = StudyKeys(
        study_id=study_id,
        version=FIRST,
        list_commitment=commitments["list"],
        record_commitment=commitments["record"],
        inbox_public=inbox_public,
        inbox_private=seal(
            secrets["record"], inbox_private, KEY_SIZE, inbox_context, draw("lit inbox salt", 32)
        ),
        recovery_public=recovery_public,
        founder_id=act.person.id,
    )
    made.signature = _signature(made, signer)
    return made


def _signature(made: StudyKeys, signer: bytes) -> bytes:
    return sign(signer, contexts.founding(made.study_id, made.version), founded_bytes(made))


def _recovery(recovery_public: bytes) -> Recipient:
    return Recipient(RECOVERY, recovery_public, recovery_public)


def _sheets(act: Act, recovery_private: bytes, recovery_public: bytes) -> RecoverySheets:
    first, second = halves(recovery_private, act.surroundings.random_bytes("lit recovery half", 32))
    study_id = act.in_study.id
    return RecoverySheets(
        secret_to_words(first, contexts.recovery_half(study_id, FIRST, "first")),
        secret_to_words(second, contexts.recovery_half(study_id, FIRST, "second")),
        recovery_public.hex()[:8].upper(),
    )
