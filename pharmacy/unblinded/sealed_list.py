"""Loading a list: checked against its rules, sealed slot by slot, committed to and signed.

Never on disk in the clear, never echoed. Nothing guessable is hashed in the open: the twelve
rows of MIGHT have 216 arrangements, so the commitment is an HMAC under a random opening that is
sealed with the list.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from pharmacy.crypto.aead import seal
from pharmacy.crypto.commitments import commit
from pharmacy.crypto.wrapping import wrap
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission, Role
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import people
from pharmacy.services import signing, stages
from pharmacy.services.act import Act
from pharmacy.services.studies import protocol_of
from pharmacy.unblinded import (
    break_shares,
    contexts,
    dummy_lists,
    list_numbers,
    list_parts,
    pins,
    private_record,
    strata,
    trail,
    versions,
)
from pharmacy.unblinded.arm_words import why_untold
from pharmacy.unblinded.certificate_making import Told, sign_certificate
from pharmacy.unblinded.founding import RECOVERY
from pharmacy.unblinded.granting import granted
from pharmacy.unblinded.holders import unlock_own
from pharmacy.unblinded.list_facts import LOADED_EVENT
from pharmacy.unblinded.list_parts import FIRST, Part
from pharmacy.unblinded.list_table import AllocationList, canonical_list_bytes, read_table
from pharmacy.unblinded.private_record import PrivateRecord
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.rules import ListRules
from pharmacy.unblinded.study_files import rules_of
from pharmacy.unblinded.tables import (
    ARM_SIZE,
    KEY_SIZE,
    HolderKeys,
    ListPart,
    SealedList,
    Slot,
    Stratum,
)

LOAD_MEANING = "I loaded this study's allocation list."
MAKE_MEANING = "I had this study's allocation list made here."
NOT_LIVE = "This list is not live in REDCap."
DUMMY = "This is a dummy list and will never be used for people."
FEWEST_PHARMACISTS = 2
LOADED = "The list of this study is loaded. It cannot be replaced."


@dataclass(frozen=True, repr=False)
class NewList:
    """A list that follows its rules and waits to be sealed; `seed` only if it was made here."""

    allocation_list: AllocationList
    source: Literal["redcap", "concealed", "made"]
    seed: bytes | None = None


def statement_of(act: Act) -> str:
    """What whoever loads a list must state: a dummy in a practice study, nowhere live else."""
    return DUMMY if act.in_study.practice else NOT_LIVE


def meaning_of(source: str) -> str:
    """What whoever brought the list signed."""
    return MAKE_MEANING if source == "made" else LOAD_MEANING


def rules_for(act: Act) -> ListRules:
    """The list rules of the act's study: those of its protocol's code."""
    return rules_of(protocol_of(act)[1].code)


def is_loaded(act: Act) -> bool:
    """Whether the study has its list."""
    return act.uow.session.get(SealedList, act.in_study.id) is not None


def ready_to_load(act: Act) -> str:
    """Why the list cannot be loaded yet, in one sentence; empty when it can."""
    if is_loaded(act):
        return LOADED
    if versions.study_keys(act) is None:
        return "The study's keys are not made yet. Make them under Holders."
    members = people.members(act.uow.session, act.in_study.id, Role.PHARMACIST)
    enrolled = [person for person in members if "list" in granted(act, person.id)]
    if len(enrolled) < FEWEST_PHARMACISTS:
        return (
            f"At least {FEWEST_PHARMACISTS} pharmacists must hold the keys before a list is "
            f"loaded; {_count(len(enrolled))} now. Enrol them under Holders."
        )
    if "list" not in granted(act, RECOVERY):
        return "The recovery key must be made before a list is loaded."
    return strata.need_fed(act) or why_untold(act) or dummy_lists.still_to_try(act)


def _count(enrolled: int) -> str:
    return "none does" if not enrolled else "one does" if enrolled == 1 else f"{enrolled} do"


def load(
    act: Act,
    room: OpenRoom,
    table: bytes,
    rules: ListRules,
    password: str,
    passphrase: str,
    not_live_in_redcap: bool,
    pepper: bytes,
    codes: bytes | None = None,
    break_key: bytes = b"",
) -> SealedList:
    """Check, seal, commit, sign and keep the list of the act's study, once.

    `codes` is the second custodian's code list of a concealed table; `not_live_in_redcap` says that
    the statement (`statement_of`) was made. `ListRefused` names the broken rule and quotes nothing.
    The loader signs with the password (their account's signature) and the passphrase (their
    key's). The very list that is loaded already is answered with what is there; any other one then
    is refused (409), and so is one of a study of the other mode.
    """
    list_key = check_may_load(act, room, not_live_in_redcap)
    allocation_list = read_table(table, rules, codes)
    if is_loaded(act):
        return _loaded_before(act, list_key, allocation_list)
    new = NewList(allocation_list, "redcap" if codes is None else "concealed")
    return seal_list(act, room, new, password, passphrase, pepper, break_key)


def check_may_load(act: Act, room: OpenRoom, stated: bool) -> bytes:
    """The list key of somebody who may load now, or the refusal that says what is missing."""
    act.permit(Permission.LOAD_LIST)
    stages.admit(act, StudyAct.LOAD_LIST)
    blocked = ready_to_load(act)
    if room.list_key is None:
        raise Refusal("You do not hold the list key.", status=403)
    if blocked and not is_loaded(act):
        raise Refusal(blocked)
    if not stated:
        raise BadForm({"statement": f'Confirm the statement: "{statement_of(act)}"'})
    return room.list_key


def seal_list(
    act: Act,
    room: OpenRoom,
    new: NewList,
    password: str,
    passphrase: str,
    pepper: bytes,
    break_key: bytes = b"",
) -> SealedList:
    """Seal a list that was checked, and write it down; the caller has asked `check_may_load`.

    Investigators who were enrolled before get their shares of it in the same transaction.
    """
    if room.list_key is None:
        raise Refusal("You do not hold the list key.", status=403)
    signing.check_password(act, act.person, password)
    keys, unlocked = unlock_own(act, passphrase, pepper)
    said = canonical_list_bytes(new.allocation_list)
    dummy_lists.refuse_the_other_modes(act, said, keys, unlocked.record.exchange_private)
    versions.hold(act, room.version)
    seal_slots(act, room.list_key, room.version, new.allocation_list)
    break_shares.make_for_enrolled(act, room.list_key, unlocked, break_key)
    told = Told(act.now, statement_of(act), meaning_of(new.source))
    commit_part(act, room.list_key, room.version, new, keys, unlocked.record, told)
    loaded = act.uow.session.get_one(SealedList, act.in_study.id)
    unlocked.record.pins[act.in_study.id].loaded = loaded.commitment.hex()
    private_record.keep(keys, unlocked, act.surroundings)
    _write_down(act, room, loaded, len(new.allocation_list.rows))
    return loaded


def _write_down(act: Act, room: OpenRoom, loaded: SealedList, slots: int) -> None:
    subject = f"study:{act.in_study.id}"
    told = {"slots": slots, "source": loaded.source, "dummy": loaded.dummy}
    trail.record(
        act,
        room.record_key,
        LOADED_EVENT,
        subject,
        commitment=loaded.commitment.hex(),
        meaning=meaning_of(loaded.source),
        **told,
    )
    said = {"meaning": meaning_of(loaded.source), "statement": statement_of(act)}
    act.record(LOADED_EVENT, subject, new={**told, **said})


def _loaded_before(act: Act, list_key: bytes, allocation_list: AllocationList) -> SealedList:
    """The loaded list, if this is it: shown by the sealed opening, without opening an envelope."""
    loaded = act.uow.session.get_one(SealedList, act.in_study.id)
    if not list_parts.is_of(list_key, loaded, canonical_list_bytes(allocation_list)):
        raise Refusal(LOADED)
    return loaded


def seal_slots(
    act: Act, list_key: bytes, version: int, allocation_list: AllocationList, part: int = FIRST
) -> None:
    """Seal the rows of a part slot by slot; each stratum's numbers go on where it ended."""
    draw, study_id = act.surroundings.random_bytes, act.in_study.id
    standing = _locked_strata(act)
    numbers: Counter[str] = Counter({name: row.slots for name, row in standing.items()})
    for row in allocation_list.rows:
        numbers[row.stratum] += 1
        number, key = numbers[row.stratum], draw("lit slot key", 32)
        key_context = contexts.slot_key(study_id, version, row.stratum, number)
        arm_context = contexts.envelope(study_id, version, row.stratum, number)
        act.uow.session.add(
            Slot(
                id=act.new_id("lit slot"),
                study_id=study_id,
                stratum=row.stratum,
                number=number,
                part=part,
                key_version=version,
                slot_key=seal(list_key, key, KEY_SIZE, key_context, draw("lit slot salt", 32)),
                envelope=seal(
                    key, row.arm.to_bytes(), ARM_SIZE, arm_context, draw("lit envelope salt", 32)
                ),
                participant_id=None,
            )
        )
    for stratum, slots in sorted(numbers.items()):
        if stratum in standing:
            standing[stratum].slots = slots
            continue
        act.uow.session.add(Stratum(study_id=study_id, stratum=stratum, next_slot=1, slots=slots))
    act.uow.session.flush()


def _locked_strata(act: Act) -> dict[str, Stratum]:
    query = sa.select(Stratum).where(Stratum.study_id == act.in_study.id)
    ordered = query.order_by(Stratum.stratum).with_for_update()
    rows = act.uow.session.scalars(ordered.execution_options(populate_existing=True))
    return {row.stratum: row for row in rows}


def commit_part(
    act: Act,
    list_key: bytes,
    version: int,
    new: NewList,
    keys: HolderKeys,
    record: PrivateRecord,
    told: Told,
    part: int = FIRST,
) -> Part:
    """Commit to a part whose slots are sealed, sign it after what came before, and keep it.

    What its loader told is signed with everything else that its certificate says.
    """
    draw, study_id = act.surroundings.random_bytes, act.in_study.id
    opening, private = draw("lit list opening", 32), record.signing_private
    context = list_parts.opening_context(study_id, version, part)
    values = {
        "study_id": study_id,
        "key_version": version,
        "loaded_version": version,
        "commitment": commit(opening, canonical_list_bytes(new.allocation_list)),
        "opening": seal(list_key, opening, KEY_SIZE, context, draw("lit opening salt", 32)),
        "slots_digest": pins.slots_digest(act, part, part),
        "loaded_by": act.person.id,
        "source": new.source,
        "dummy": act.in_study.practice,
        "seed_wrap": _seed_wrap(study_id, keys, new.seed, part),
    }
    made = SealedList(**values) if part == FIRST else ListPart(part=part, **values)
    before = list_parts.chain_before(act, part)
    made.signature = list_parts.sign_part(made, private, before)
    made.facts_signature = sign_certificate(act, made, keys, told, private)
    act.uow.session.add(made)
    act.uow.session.flush()
    list_numbers.keep(act, list_key, new.allocation_list)
    return made


def _seed_wrap(study_id: str, keys: HolderKeys, seed: bytes | None, part: int) -> bytes | None:
    """The seed for its maker alone: whoever holds the list key does not open it."""
    if seed is None:
        return None
    context = list_parts.seed_context(study_id, part, keys.person_id, keys.exchange_public)
    return wrap(keys.exchange_public, seed, context)
