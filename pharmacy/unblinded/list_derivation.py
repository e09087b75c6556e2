"""A list that is made here, from a seed that only its maker can open again.

The seed is drawn, used and sealed in one request; the rows exist in memory only. Whoever made the
list can have it made again and compared, without a row of it ever being shown.
"""

from __future__ import annotations

from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.wrapping import unwrap
from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Permission
from pharmacy.services.act import Act
from pharmacy.unblinded import list_parts, private_record, sealed_list, trail
from pharmacy.unblinded.former_words import words_at
from pharmacy.unblinded.holders import keys_of, unlock_own
from pharmacy.unblinded.list_entries import loading_entry
from pharmacy.unblinded.list_making import SEED_LENGTH, made_part, made_table
from pharmacy.unblinded.list_parts import FIRST, Part
from pharmacy.unblinded.list_table import canonical_list_bytes, read_part, read_table
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.rules import ListRules
from pharmacy.unblinded.sealed_list import NewList
from pharmacy.unblinded.tables import HolderKeys, SealedList

DERIVED_EVENT = "list_derived_again"
DIFFERS = (
    "The list made again from its seed is not the one that is loaded. Do not go on: call the "
    "sponsor and the administrator."
)
LOST = (
    "The seed is lost with your former keys, so this list cannot be made again. It stays loaded "
    "as it is, and its certificate and opening prove it."
)
_NO_SEED = "The list of this study was not made here, so it has no seed."


def make(
    act: Act,
    room: OpenRoom,
    rules: ListRules,
    password: str,
    passphrase: str,
    stated: bool,
    pepper: bytes,
    break_key: bytes = b"",
) -> SealedList:
    """Make, seal, commit to and sign the list of the act's study from a new seed, once.

    Sent twice, it makes one. A list that was loaded another way is refused (409), everything else
    as by `sealed_list.load`.
    """
    sealed_list.check_may_load(act, room, stated)
    loaded = act.uow.session.get(SealedList, act.in_study.id)
    if loaded is not None:
        return _made_before(act, loaded)
    seed = act.surroundings.random_bytes("lit list seed", SEED_LENGTH)
    new = NewList(read_table(made_table(seed, rules), rules), "made", seed)
    return sealed_list.seal_list(act, room, new, password, passphrase, pepper, break_key)


def may_derive(act: Act, loaded: Part) -> bool:
    """Whether the acting person made this part here and still has the keys that open its seed."""
    return _refused(act, loaded) is None


def why_not(act: Act, part: int) -> str:
    """Why the acting person cannot make a part again, for a page; empty when they can."""
    refused = _refused(act, list_parts.find(act, part))
    return refused.sentence if refused is not None else ""


def derive_again(
    act: Act,
    room: OpenRoom,
    rules: ListRules,
    passphrase: str,
    operation_id: str,
    pepper: bytes,
    part: int = FIRST,
) -> bool:
    """Make a part again from its sealed seed and say whether it is the one that is loaded.

    Recorded in both trails with its result, once for one form. Refused to everybody but the maker
    (403), for a list that was not made here, and where the seed is lost with former keys (409).
    """
    act.permit(Permission.LOAD_LIST)
    loaded = next((one for one in list_parts.parts(act) if one.part == part), None)
    if loaded is None or loaded.seed_wrap is None:
        raise Refusal(_NO_SEED)
    if (refused := _refused(act, loaded)) is not None:
        raise refused
    if room.list_key is None:
        raise Refusal("You do not hold the list key.", status=403)
    keys, unlocked = unlock_own(act, passphrase, pepper)
    private = unlocked.record.exchange_private
    same = _is_same(act, loaded, loaded.seed_wrap, room.list_key, keys, private, rules)
    if trail.find_operation(act, room.record_key, DERIVED_EVENT, operation_id) is None:
        _write_down(act, room, same, operation_id, part)
    return same


def _refused(act: Act, loaded: Part) -> Refusal | None:
    """What stands before making a part again, asked without opening anything."""
    if loaded.seed_wrap is None:
        return Refusal(_NO_SEED)
    entry = loading_entry(act, loaded.part)
    if entry is None or not act.person.id == loaded.loaded_by == entry.person_id:
        return Refusal("The seed is sealed to whoever made the list.", status=403)
    keys = keys_of(act, act.person.id)
    now = private_record.six_words(keys) if keys is not None else ""
    return None if now == words_at(act, act.person.id, entry.at) else Refusal(LOST)


def _is_same(
    act: Act,
    loaded: Part,
    seed_wrap: bytes,
    list_key: bytes,
    keys: HolderKeys,
    exchange_private: bytes,
    rules: ListRules,
) -> bool:
    """Whether seed and rules give what was committed to; what does not open gives nothing."""
    seed_context = list_parts.seed_context(
        loaded.study_id, loaded.part, keys.person_id, keys.exchange_public
    )
    try:
        seed = unwrap(exchange_private, seed_wrap, seed_context)
        if loaded.part == FIRST:
            made = read_table(made_table(seed, rules), rules)
        else:
            rows = list_parts.rows_of(act, loaded.part)
            made = read_part(made_part(seed, rules, rows), rules)
        return list_parts.is_of(list_key, loaded, canonical_list_bytes(made))
    except CannotOpen:
        return False


def _made_before(act: Act, loaded: SealedList) -> SealedList:
    if loaded.seed_wrap is None or loaded.loaded_by != act.person.id:
        raise Refusal(sealed_list.LOADED)
    return loaded


def _write_down(act: Act, room: OpenRoom, same: bool, operation_id: str, part: int) -> None:
    subject = f"study:{act.in_study.id}"
    told: dict[str, object] = {"result": "the same" if same else "not the same"}
    if part > FIRST:
        told["part"] = part
    trail.record(act, room.record_key, DERIVED_EVENT, subject, operation=operation_id, **told)
    act.record(DERIVED_EVENT, subject, new=told)
