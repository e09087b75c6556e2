"""After the break key or the pepper was changed: a holder renews what hangs on them in a study.

Every investigator's shares are made anew from the slots' keys, in one transaction, so that a
break works at any moment: before it under the key of before, after it under the key of now.
"""

from __future__ import annotations

import sqlalchemy as sa

from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Permission
from pharmacy.services.act import Act
from pharmacy.unblinded import break_shares, pins, secret_rotation, server_secrets, trail
from pharmacy.unblinded.drill_envelopes import drill_of, make_drill
from pharmacy.unblinded.granting import pins_of
from pharmacy.unblinded.holders import keys_of, unlock_own
from pharmacy.unblinded.private_record import Unlocked
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.tables import BreakShare
from pharmacy.unblinded.trust import Trust
from pharmacy.unblinded.versions import hold, in_force

RENEWED = "server_secrets_renewed"


def due(act: Act, server: ServerSecrets) -> bool:
    """Whether something in the act's study hangs on other secrets than those of now."""
    return bool(left(act, server)) or not server_secrets.are_sealed(act, server)


def left(act: Act, server: ServerSecrets) -> list[secret_rotation.Left]:
    """Investigators of the act's study whose shares are not under the break key of now."""
    now = server_secrets.fingerprint("break_key", bytes(server.break_key))
    return secret_rotation.investigators_not_under(act.uow.session, now, act.in_study.id)


def renew(act: Act, room: OpenRoom, passphrase: str, server: ServerSecrets) -> None:
    """Split every slot's key anew under the break key of now, and seal both secrets to recovery.

    By a holder of the list key with the room open; each enrolment must still hold. Also when the
    former break key is lost: nothing of it is needed.
    """
    act.permit(Permission.KEEP_RECOVERY)
    if room.list_key is None:
        raise Refusal("You do not hold the list key.", status=403)
    hold(act, room.version)
    _keys, unlocked = unlock_own(act, passphrase, server.pepper)
    made = in_force(act)
    pins.check_signer(Trust(act, pins_of(act, unlocked)), made)
    if left(act, server):
        resplit(act, room.list_key, unlocked, server.break_key)
    _make_drills(act, unlocked, made.version, server.break_key)
    server_secrets.seal(act, made.recovery_public, server)
    subject = f"study:{act.in_study.id}"
    trail.record(act, room.record_key, RENEWED, subject)
    act.record(RENEWED, subject)


def resplit(act: Act, list_key: bytes, unlocked: Unlocked, break_key: bytes) -> None:
    """Shares of every slot for everybody enrolled, in place of those that are there."""
    old = sa.delete(BreakShare).where(BreakShare.study_id == act.in_study.id)
    act.uow.session.execute(old)
    act.uow.session.expire_all()
    break_shares.make_for_enrolled(act, list_key, unlocked, break_key)


def _make_drills(act: Act, unlocked: Unlocked, version: int, break_key: bytes) -> None:
    """A new drill for everybody enrolled who had one: its kept half is the server's as well."""
    for row in break_shares.enrolments(act):
        keys = keys_of(act, row.person_id)
        if keys is not None and drill_of(act, row.person_id) is not None:
            break_shares.check_enrolment(act, row, keys, pins_of(act, unlocked))
            make_drill(act, keys, unlocked, version, break_key)
