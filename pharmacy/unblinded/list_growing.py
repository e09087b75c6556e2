"""Growing a loaded list: a part more, from REDCap or made here, as the first one was.

Whole blocks per stratum under the same list rules, sealed, committed to and signed as a part of
its own. What is there stays as it is, byte for byte; each stratum's numbers go on where it ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.domain.stages import StudyAct
from pharmacy.services import signing, stages
from pharmacy.services.act import Act
from pharmacy.unblinded import (
    break_shares,
    dummy_lists,
    list_numbers,
    list_parts,
    pins,
    private_record,
    sealed_list,
    strata,
    trail,
    versions,
)
from pharmacy.unblinded.certificate_making import Told
from pharmacy.unblinded.holders import unlock_own
from pharmacy.unblinded.list_making import SEED_LENGTH, made_part
from pharmacy.unblinded.list_parts import FIRST, GROWN_EVENT, Part
from pharmacy.unblinded.list_refusals import refusal
from pharmacy.unblinded.list_table import canonical_list_bytes, read_part
from pharmacy.unblinded.private_record import Unlocked
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.rules import ListRules
from pharmacy.unblinded.sealed_list import NewList, statement_of
from pharmacy.unblinded.trust import Trust

ADD_MEANING = "I added rows to this study's allocation list."
MADE_MEANING = "I had rows of this study's allocation list made here."
_MEANWHILE = "The list has grown since you opened this page. Open it again and look first."


@dataclass(frozen=True, repr=False)
class Sealing:
    """What whoever grows the list types, and the server's own secrets.

    `part` is the number that the form was opened for: the same form once more is the same part.
    `stated`: the statement of `statement_of` was made.
    """

    part: int
    password: str = field(repr=False)
    passphrase: str = field(repr=False)
    stated: bool
    pepper: bytes = field(repr=False)
    break_key: bytes = field(default=b"", repr=False)


def meaning_of(source: str) -> str:
    """What whoever brought a part signed."""
    return MADE_MEANING if source == "made" else ADD_MEANING


def next_part(act: Act) -> int:
    """The number that the next part will have."""
    return len(list_parts.parts(act)) + 1


def ready_to_grow(act: Act, rules: ListRules) -> str:
    """Why the list cannot grow now, in one sentence; empty when it can."""
    if not sealed_list.is_loaded(act):
        return "No list is loaded yet. Load it first; then it can grow."
    if rules.growth is None:
        return "The list rules of this study do not let its list grow."
    return strata.need_fed(act) or dummy_lists.still_to_try(act)


def add(
    act: Act,
    room: OpenRoom,
    table: bytes,
    rules: ListRules,
    sealing: Sealing,
    codes: bytes | None = None,
) -> Part:
    """Add the rows of a table to the act's study's list.

    `ListRefused` names the broken rule and quotes nothing. The same table for the same part is
    answered with what is there; a table that is loaded already is refused (409) as a new part, and
    so is one whose randomization numbers stand in the list.
    """
    list_key = _check_may_grow(act, room, rules, sealing)
    allocation_list = read_part(table, rules, codes)
    said = canonical_list_bytes(allocation_list)
    loaded = list_parts.parts(act)
    if sealing.part <= len(loaded):
        return _there(sealing, loaded[sealing.part - 1], list_key, said)
    for part in loaded:
        if list_parts.is_of(list_key, part, said):
            raise Refusal(_loaded_as(part.part))
    if list_numbers.any_used(act, list_key, allocation_list):
        raise refusal("part_number_used", rules)
    new = NewList(allocation_list, "redcap" if codes is None else "concealed")
    return _seal(act, room, list_key, new, sealing)


def make(
    act: Act, room: OpenRoom, rows: Mapping[str, int], rules: ListRules, sealing: Sealing
) -> Part:
    """Make so many rows for each named stratum here, from a new seed of their own.

    Rows that are not whole blocks, or none at all, are `BadForm`. Sent twice, it makes one part.
    """
    list_key = _check_may_grow(act, room, rules, sealing)
    wanted = {stratum: count for stratum, count in rows.items() if count}
    _check_rows(rules, wanted)
    loaded = list_parts.parts(act)
    if sealing.part <= len(loaded):
        there = loaded[sealing.part - 1]
        own = there.seed_wrap is not None and there.loaded_by == act.person.id
        if sealing.part == FIRST or not own or list_parts.rows_of(act, there.part) != wanted:
            raise Refusal(_MEANWHILE)
        return there
    seed = act.surroundings.random_bytes("lit list seed", SEED_LENGTH)
    new = NewList(read_part(made_part(seed, rules, wanted), rules), "made", seed)
    return _seal(act, room, list_key, new, sealing)


def _check_may_grow(act: Act, room: OpenRoom, rules: ListRules, sealing: Sealing) -> bytes:
    act.permit(Permission.LOAD_LIST)
    stages.admit(act, StudyAct.LOAD_LIST)
    if room.list_key is None:
        raise Refusal("You do not hold the list key.", status=403)
    list_parts.lock_list(act)
    if blocked := ready_to_grow(act, rules):
        raise Refusal(blocked)
    if sealing.part > next_part(act):
        raise Refusal(_MEANWHILE)
    if not sealing.stated:
        raise BadForm({"statement": f'Confirm the statement: "{statement_of(act)}"'})
    return room.list_key


def _check_rows(rules: ListRules, wanted: Mapping[str, int]) -> None:
    most = rules.growth.rows_at_most if rules.growth else 0
    known = set(rules.grown.stratum_names)
    wrong = [name for name, count in wanted.items() if not rules.can_add(count)]
    if not wanted:
        raise BadForm({"rows": "Say how many rows to add to at least one stratum."})
    if wrong or not set(wanted) <= known:
        sentence = f"Rows come in whole blocks of the list rules, at most {most} for a stratum."
        raise BadForm({"rows": sentence})


def _there(sealing: Sealing, part: Part, list_key: bytes, said: bytes) -> Part:
    if sealing.part == FIRST or not list_parts.is_of(list_key, part, said):
        raise Refusal(_MEANWHILE)
    return part


def _loaded_as(part: int) -> str:
    return (
        f"This table is loaded already, as part {part} of the list. If it is another one with the "
        "same rows by chance, make a new one."
    )


def _seal(act: Act, room: OpenRoom, list_key: bytes, new: NewList, sealing: Sealing) -> Part:
    """Seal, commit, sign and write down; shares for investigators in the same transaction."""
    signing.check_password(act, act.person, sealing.password)
    keys, unlocked = unlock_own(act, sealing.passphrase, sealing.pepper)
    _check_before(act, unlocked)
    said = canonical_list_bytes(new.allocation_list)
    dummy_lists.refuse_the_other_modes(act, said, keys, unlocked.record.exchange_private)
    number = sealing.part
    versions.hold(act, room.version)
    sealed_list.seal_slots(act, list_key, room.version, new.allocation_list, number)
    break_shares.make_for_enrolled(act, list_key, unlocked, sealing.break_key, number)
    told = Told(act.now, statement_of(act), meaning_of(new.source))
    part = sealed_list.commit_part(
        act, list_key, room.version, new, keys, unlocked.record, told, number
    )
    grown = list_parts.chain(part, list_parts.chain_before(act, number))
    unlocked.record.pins[act.in_study.id].grown = grown.hex()
    private_record.keep(keys, unlocked, act.surroundings)
    for enrolled in break_shares.enrolments(act):
        enrolled.tried = False
    _write_down(act, room, part, len(new.allocation_list.rows))
    return part


def _check_before(act: Act, unlocked: Unlocked) -> None:
    """Nobody signs on to a list that is not the one they trusted."""
    pinned = unlocked.record.pins[act.in_study.id]
    pins.check_list(act, pinned, Trust(act, pinned))


def _write_down(act: Act, room: OpenRoom, part: Part, slots: int) -> None:
    subject, meaning = f"study:{act.in_study.id}", meaning_of(part.source)
    told = {"part": part.part, "source": part.source, "dummy": part.dummy, "meaning": meaning}
    trail.record(
        act,
        room.record_key,
        GROWN_EVENT,
        subject,
        commitment=part.commitment.hex(),
        slots=slots,
        **told,
    )
    # Not how many: a part may be a single block, and blinded people never learn its length.
    act.record(GROWN_EVENT, subject, new={**told, "statement": statement_of(act)})
