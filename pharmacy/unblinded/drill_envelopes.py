"""The envelope of an investigator's drill: sealed and halved as a slot's is, and of no slot.

It says that it is the drill and nothing else. So the whole way of a code break can be walked,
shares, passphrase and server's half included, without learning of anybody.
"""

from __future__ import annotations

from pharmacy.crypto.aead import seal
from pharmacy.crypto.commitments import halves
from pharmacy.crypto.signing import sign
from pharmacy.crypto.wrapping import wrap
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, private_record
from pharmacy.unblinded.private_record import Unlocked
from pharmacy.unblinded.tables import ARM_SIZE, KEY_SIZE, DrillEnvelope, HolderKeys

# Padded to an arm's size; no arm is called so, for an arm's code has no capital letters.
CONTENT = b"DRILL".ljust(ARM_SIZE - 1, b"\0")


def drill_of(act: Act, person_id: str) -> DrillEnvelope | None:
    """A person's drill in the act's study."""
    return act.uow.session.get(DrillEnvelope, (act.in_study.id, person_id))


def make_drill(
    act: Act, keys: HolderKeys, unlocked: Unlocked, version: int, break_key: bytes
) -> None:
    """Seal a drill for one investigator, as whoever enrols them; one that is there is replaced."""
    draw, study_id, person_id = act.surroundings.random_bytes, act.in_study.id, keys.person_id
    whole = draw("drill key", 32)
    own, kept = halves(whole, draw("drill half", 32))
    place = (study_id, version, DrillEnvelope.stratum, DrillEnvelope.number)
    content_context = contexts.drill_content(study_id, version, person_id)
    kept_context = contexts.break_half("kept", *place, person_id)
    row = DrillEnvelope(
        study_id=study_id,
        person_id=person_id,
        key_version=version,
        content=seal(whole, CONTENT, ARM_SIZE, content_context, draw("drill salt", 32)),
        wrapped_half=wrap(keys.exchange_public, own, contexts.break_half("own", *place, person_id)),
        kept_half=seal(break_key, kept, KEY_SIZE, kept_context, draw("drill half salt", 32)),
        granted_by=act.person.id,
    )
    said = row.wrapped_half + row.kept_half + private_record.digest_of(keys)
    private = unlocked.record.signing_private
    row.signature = sign(private, contexts.break_share(*place, person_id), said)
    act.uow.session.merge(row)
    act.uow.session.flush()
