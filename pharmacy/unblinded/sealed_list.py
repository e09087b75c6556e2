"""Loading a list: checked against its rules, sealed slot by slot, committed to and signed.

Never on disk in the clear, never echoed. Nothing guessable is hashed in the open: the twelve
rows of MIGHT have 216 arrangements, so the commitment is an HMAC under a random opening that is
sealed with the list.
"""

from __future__ import annotations

from collections import Counter

from pharmacy.crypto.aead import open_sealed, seal
from pharmacy.crypto.commitments import commit, proves
from pharmacy.crypto.signing import sign
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission, Role
from pharmacy.persistence import people
from pharmacy.services import signing
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, pins, private_record, trail
from pharmacy.unblinded.founding import RECOVERY, VERSION, study_keys
from pharmacy.unblinded.granting import granted
from pharmacy.unblinded.holders import unlock_own
from pharmacy.unblinded.list_table import AllocationList, canonical_list_bytes, read_table
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.rules import ListRules
from pharmacy.unblinded.tables import ARM_SIZE, KEY_SIZE, SealedList, Slot, Stratum

LOAD_MEANING = "I loaded this study's allocation list."
NOT_LIVE = "This list is not live in REDCap."
FEWEST_PHARMACISTS = 2
LOADED_EVENT = "list_loaded"
_LOADED = "The list of this study is loaded. It cannot be replaced."


def is_loaded(act: Act) -> bool:
    """Whether the study has its list."""
    return act.uow.session.get(SealedList, act.in_study.id) is not None


def ready_to_load(act: Act) -> str:
    """Why the list cannot be loaded yet, in one sentence; empty when it can."""
    if is_loaded(act):
        return _LOADED
    if study_keys(act) is None:
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
    return ""


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
) -> SealedList:
    """Check, seal, commit, sign and keep the list of the act's study, once.

    `ListRefused` names the broken rule and quotes nothing. The loader signs with the password
    (their account's signature) and the passphrase (their key's). The very list that is loaded
    already is answered with what is there; any other one then is refused (409).
    """
    act.permit(Permission.LOAD_LIST)
    blocked = ready_to_load(act)
    if room.list_key is None:
        raise Refusal("You do not hold the list key.", status=403)
    if blocked and not is_loaded(act):
        raise Refusal(blocked)
    if not not_live_in_redcap:
        raise BadForm({"not_live": "Confirm that this list is not live in REDCap."})
    allocation_list = read_table(table, rules)
    if is_loaded(act):
        return _loaded_before(act, room.list_key, allocation_list)
    signing.check_password(act, act.person, password)
    keys, unlocked = unlock_own(act, passphrase, pepper)
    _seal_slots(act, room.list_key, allocation_list)
    loaded = _commit(act, room.list_key, allocation_list, unlocked.record.signing_private)
    unlocked.record.pins[act.in_study.id].loaded = loaded.commitment.hex()
    private_record.keep(keys, unlocked, act.surroundings)
    trail.record(
        act,
        room.record_key,
        LOADED_EVENT,
        f"study:{act.in_study.id}",
        commitment=loaded.commitment.hex(),
        slots=len(allocation_list.rows),
        meaning=LOAD_MEANING,
    )
    act.record(
        LOADED_EVENT,
        f"study:{act.in_study.id}",
        new={
            "slots": len(allocation_list.rows),
            "meaning": LOAD_MEANING,
            "statement": NOT_LIVE,
        },
    )
    return loaded


def _loaded_before(act: Act, list_key: bytes, allocation_list: AllocationList) -> SealedList:
    """The loaded list, if this is it: shown by the sealed opening, without opening an envelope."""
    loaded = act.uow.session.get_one(SealedList, act.in_study.id)
    context = contexts.list_opening(act.in_study.id, loaded.key_version)
    opening = open_sealed(list_key, loaded.opening, KEY_SIZE, context)
    if not proves(loaded.commitment, opening, canonical_list_bytes(allocation_list)):
        raise Refusal(_LOADED)
    return loaded


def _seal_slots(act: Act, list_key: bytes, allocation_list: AllocationList) -> None:
    draw, study_id = act.surroundings.random_bytes, act.in_study.id
    numbers: Counter[str] = Counter()
    for row in allocation_list.rows:
        numbers[row.stratum] += 1
        number, key = numbers[row.stratum], draw("lit slot key", 32)
        key_context = contexts.slot_key(study_id, VERSION, row.stratum, number)
        arm_context = contexts.envelope(study_id, VERSION, row.stratum, number)
        act.uow.session.add(
            Slot(
                id=act.new_id("lit slot"),
                study_id=study_id,
                stratum=row.stratum,
                number=number,
                key_version=VERSION,
                slot_key=seal(list_key, key, KEY_SIZE, key_context, draw("lit slot salt", 32)),
                envelope=seal(
                    key, row.arm.to_bytes(), ARM_SIZE, arm_context, draw("lit envelope salt", 32)
                ),
                participant_id=None,
            )
        )
    for stratum, slots in sorted(numbers.items()):
        act.uow.session.add(
            Stratum(study_id=study_id, stratum=stratum, next_slot=1, slots=slots)
        )
    act.uow.session.flush()


def _commit(
    act: Act, list_key: bytes, allocation_list: AllocationList, signing_private: bytes
) -> SealedList:
    draw, study_id = act.surroundings.random_bytes, act.in_study.id
    opening = draw("lit list opening", 32)
    commitment = commit(opening, canonical_list_bytes(allocation_list))
    digest = pins.slots_digest(act)
    loaded = SealedList(
        study_id=study_id,
        key_version=VERSION,
        commitment=commitment,
        opening=seal(
            list_key,
            opening,
            KEY_SIZE,
            contexts.list_opening(study_id, VERSION),
            draw("lit opening salt", 32),
        ),
        slots_digest=digest,
        loaded_by=act.person.id,
        signature=sign(
            signing_private, contexts.list_signature(study_id, VERSION), commitment + digest
        ),
    )
    act.uow.session.add(loaded)
    act.uow.session.flush()
    return loaded
