"""New recovery sheets: a holder of the list key makes another recovery key; the old one is void."""

from __future__ import annotations

from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Permission
from pharmacy.services.act import Act
from pharmacy.unblinded import pins, private_record, recovery_key, trail
from pharmacy.unblinded.founding import signature_of
from pharmacy.unblinded.granting import founder_digest, granted, pins_of, unwrap_keys
from pharmacy.unblinded.holders import unlock_own
from pharmacy.unblinded.recovery_halves import RecoverySheets, number_of
from pharmacy.unblinded.recovery_key import Maker
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.versions import study_keys

REISSUED = "recovery_reissued"


def may_reissue(act: Act) -> bool:
    """Whether the acting person holds what a recovery key is made of."""
    return study_keys(act) is not None and "list" in granted(act, act.person.id)


def reissue(act: Act, passphrase: str, server: ServerSecrets) -> RecoverySheets:
    """Another recovery key, canary and sheets, also while a list is loaded.

    By whoever holds list and record key, with their own passphrase; pins are compared before
    anything is signed anew. The old sheets open nothing from the commit on.
    """
    act.permit(Permission.KEEP_RECOVERY)
    made = study_keys(act)
    if made is None or not may_reissue(act):
        raise Refusal(
            "New recovery sheets are made by somebody who holds the list key.", status=403
        )
    keys, unlocked = unlock_own(act, passphrase, server.pepper)
    secrets = unwrap_keys(act, keys, unlocked.record.exchange_private)
    trusted = pins_of(act, unlocked)
    pins.compare(act, keys, unlocked.record, secrets, "")
    signer = unlocked.record.signing_private
    drawn, old = recovery_key.draw(act), number_of(made.recovery_public)
    made.recovery_public, made.signed_by = drawn.public, act.person.id
    made.signature = signature_of(made, signer)
    private_record.keep(keys, unlocked, act.surroundings)
    maker = Maker(signer, founder_digest(act, trusted), private_record.digest_of(keys))
    sheets = recovery_key.keep(act, made, drawn, secrets, maker, server)
    subject = f"study:{act.in_study.id}"
    trail.record(act, secrets["record"], REISSUED, subject, old=old, new=sheets.number)
    act.record("recovery_key_reissued", subject, old={"key": old}, new={"key": sheets.number})
    return sheets
