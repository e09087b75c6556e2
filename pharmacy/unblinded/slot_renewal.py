"""Every slot under a new key: opened and sealed again in one step, and nothing handed out.

No arm is looked at here. What comes out of an old envelope goes into the new one, and is compared
with what the new one gives when it is read back.
"""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest

import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed, seal
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts
from pharmacy.unblinded.resealing import Keys, NotProved
from pharmacy.unblinded.tables import ARM_SIZE, KEY_SIZE, Slot


def renew(act: Act, old: Keys, new: Keys) -> None:
    """A new key and a new envelope for every slot of the act's study, read back and compared.

    `CannotOpen` for a slot that the old key does not open, `NotProved` for one that differs.
    """
    draw = act.surroundings.random_bytes
    before = {}
    for row in _rows(act):
        key, place = draw("lit renewed slot key", 32), _place(row)
        before[row.id] = _opened(row, old.list_key)
        row.key_version = new.version
        place = _place(row)
        row.slot_key = seal(
            new.list_key,
            key,
            KEY_SIZE,
            contexts.slot_key(*place),
            draw("lit renewed slot salt", 32),
        )
        row.envelope = seal(
            key,
            before[row.id],
            ARM_SIZE,
            contexts.envelope(*place),
            draw("lit renewed envelope salt", 32),
        )
    act.uow.session.flush()
    for row in _rows(act):
        if not compare_digest(before[row.id], _opened(row, new.list_key)):
            raise NotProved


def _opened(row: Slot, list_key: bytes) -> bytes:
    place = _place(row)
    key = open_sealed(list_key, row.slot_key, KEY_SIZE, contexts.slot_key(*place))
    return open_sealed(key, row.envelope, ARM_SIZE, contexts.envelope(*place))


def _place(row: Slot) -> tuple[str, int, str, int]:
    return row.study_id, row.key_version, row.stratum, row.number


def _rows(act: Act) -> Sequence[Slot]:
    query = sa.select(Slot).where(Slot.study_id == act.in_study.id)
    ordered = query.order_by(Slot.stratum, Slot.number)
    return act.uow.session.scalars(ordered.execution_options(populate_existing=True)).all()
