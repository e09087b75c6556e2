"""Founding a study's keys: the statistician's act, with the recovery key on four printed sheets."""

from __future__ import annotations

from pharmacy.crypto.aead import seal
from pharmacy.crypto.commitments import keyed_digest
from pharmacy.crypto.signing import sign
from pharmacy.crypto.wrapping import key_pair
from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Permission
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, private_record, recovery_key, trail
from pharmacy.unblinded.granting import Recipient, wrap_keys
from pharmacy.unblinded.holders import unlock_own
from pharmacy.unblinded.private_record import StudyPins
from pharmacy.unblinded.recovery_halves import RecoverySheets
from pharmacy.unblinded.recovery_key import Maker
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.tables import KEY_SIZE, StudyKeys
from pharmacy.unblinded.versions import FIRST, founded_bytes, study_keys

RECOVERY = recovery_key.RECOVERY
_FOUNDED = (
    "The keys of this study were already made. If the recovery sheets were not printed, make new "
    "ones under Recovery."
)


def found(act: Act, passphrase: str, server: ServerSecrets) -> RecoverySheets:
    """Make list, record, inbox and recovery key; wrap the first two for founder and recovery.

    Once per study (409). Returns the recovery sheets, which nobody can show again.
    """
    act.permit(Permission.LOAD_LIST)
    if study_keys(act) is not None:
        raise Refusal(_FOUNDED)
    keys, unlocked = unlock_own(act, passphrase, server.pepper)
    draw, study_id = act.surroundings.random_bytes, act.in_study.id
    secrets = {"list": draw("lit list key", 32), "record": draw("lit record key", 32)}
    drawn = recovery_key.draw(act)
    signer = unlocked.record.signing_private
    made = make_version(act, FIRST, secrets, drawn.public, signer)
    digest = private_record.digest_of(keys)
    act.uow.session.add(made)
    act.uow.session.flush()
    founder = Recipient(act.person.id, keys.exchange_public, digest)
    wrap_keys(act, secrets, founder, digest, signer)
    sheets = recovery_key.keep(act, made, drawn, secrets, Maker(signer, digest, digest), server)
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
    return sheets


def make_version(
    act: Act, version: int, secrets: dict[str, bytes], recovery_public: bytes, signer: bytes
) -> StudyKeys:
    """One version of the study's keys, signed by the acting person; not added yet."""
    draw, study_id = act.surroundings.random_bytes, act.in_study.id
    inbox_private, inbox_public = key_pair(draw("lit inbox key", 32))
    commitments = {
        name: keyed_digest(secret, contexts.study_key(study_id, version, name))
        for name, secret in secrets.items()
    }
    inbox_context = contexts.inbox_key(study_id, version)
    made = StudyKeys(
        study_id=study_id,
        version=version,
        list_commitment=commitments["list"],
        record_commitment=commitments["record"],
        inbox_public=inbox_public,
        inbox_private=seal(
            secrets["record"], inbox_private, KEY_SIZE, inbox_context, draw("lit inbox salt", 32)
        ),
        recovery_public=recovery_public,
        founder_id=act.person.id,
        signed_by=act.person.id,
    )
    made.signature = signature_of(made, signer)
    return made


def signature_of(made: StudyKeys, signer: bytes) -> bytes:
    """The signature over a study's keys as they stand, by `signed_by`."""
    return sign(signer, contexts.founding(made.study_id, made.version), founded_bytes(made))
