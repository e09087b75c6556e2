"""An investigator's passphrase at the door of the code break: slowed after misses, never refused.

Its misses are counted apart from everybody's signatures, and its slow step has a share of its own:
whoever stands beside somebody ill waits for nobody else.
"""

from __future__ import annotations

from pharmacy.services import shares, throttling
from pharmacy.services.act import Act
from pharmacy.unblinded import private_record
from pharmacy.unblinded.holders import seal_under_pepper_of_now
from pharmacy.unblinded.private_record import Unlocked
from pharmacy.unblinded.tables import HolderKeys


def unlock(act: Act, keys: HolderKeys, passphrase: str, pepper: bytes, device: str) -> Unlocked:
    """The acting person's private record; the wrong passphrase is `WrongPassphrase`.

    Whoever missed often waits (409), 30 seconds at most; `device` is the sign-in it came from.
    """
    key = throttling.break_key(act.person.id, device)
    throttling.check(act.uow, key)
    with shares.BREAKING.taken():
        unlocked = private_record.unlock(keys, passphrase, act.surroundings.deriver, pepper)
    seal_under_pepper_of_now(act, keys, unlocked)
    throttling.forget(act.uow, key)
    return unlocked
