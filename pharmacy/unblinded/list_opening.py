"""Revealing the opening of a list's commitment: the only thing that makes the certificate testable.

With certificate and opening anybody can try list after list; where the rules allow 216, that is
the list. So it is revealed for a dummy list now, and for a live one only when the data are locked
and two people have signed the end-of-study unblinding: one person's word would else be enough.
"""

from __future__ import annotations

from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.domain.stages import StudyAct
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.unblinded import list_parts, trail
from pharmacy.unblinded.holders import unlock_own
from pharmacy.unblinded.list_facts import LOADED_EVENT
from pharmacy.unblinded.list_parts import FIRST, GROWN_EVENT, Part
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.tables import SealedList
from pharmacy.unblinded.taken_slots import CHANGED

REVEALED_EVENT = "list_opening_revealed"
# The blinded trail takes a reason from a closed list and nothing in anybody's words.
REASONS = {
    "drill": "A drill: the certificate is proved once with a dummy list",
    "audit": "An auditor or monitor checks the certificate",
    "file": "The opening goes into the trial master file",
}
NOT_YET = (
    "The opening of a list that counts stays sealed until the data are locked and two people have "
    "signed the end-of-study unblinding: with it and the certificate anybody could try every list "
    "that the rules allow, and would find this one."
)


def why_not(act: Act) -> str:
    """Why the opening cannot be revealed now, as the page says it; empty when it can."""
    loaded = act.uow.session.get(SealedList, act.in_study.id)
    if loaded is None:
        return "No list is loaded yet."
    return "" if (loaded.dummy and act.in_study.practice) or _is_unblinded(act) else NOT_YET


def reveal_opening(
    act: Act,
    room: OpenRoom,
    reason: str,
    passphrase: str,
    operation_id: str,
    pepper: bytes,
    part: int = FIRST,
) -> str:
    """A part's opening in hexadecimal, after both trails say, committed, that and why it is.

    Every form is a showing of its own and recorded. Refused (409) for a list that counts, even if
    only the sealed entry of its loading says so: nobody without the record key can rewrite that.
    """
    act.permit(Permission.LOAD_LIST)
    refused = why_not(act)
    if room.list_key is None:
        raise Refusal("You do not hold the list key.", status=403)
    if refused:
        raise Refusal(refused)
    if reason not in REASONS:
        raise BadForm({"reason": "Choose why the opening is revealed."})
    loaded = list_parts.find(act, part)
    if not (_is_unblinded(act) or _was_loaded_as_dummy(act, room, loaded)):
        raise Refusal(NOT_YET)
    unlock_own(act, passphrase, pepper)
    _write_down(act, room, reason, operation_id, part)
    act.uow.commit()
    try:
        return list_parts.opening_of(room.list_key, loaded).hex()
    except CannotOpen:
        raise Refusal(CHANGED) from None


def _is_unblinded(act: Act) -> bool:
    return not stages.why_not(act, StudyAct.REVEAL_LIST)


def _was_loaded_as_dummy(act: Act, room: OpenRoom, loaded: Part) -> bool:
    """What the sealed trail says of this very list; before `dummy` was kept, all lists were."""
    event = LOADED_EVENT if loaded.part == FIRST else GROWN_EVENT
    for entry in reversed(trail.entries(act, room.record_key)):
        if entry["event"] == event and entry.get("part", FIRST) == loaded.part:
            same = entry["commitment"] == loaded.commitment.hex()
            return same and entry.get("dummy", True) is True
    return False


def _write_down(act: Act, room: OpenRoom, reason: str, operation_id: str, part: int) -> None:
    if trail.find_operation(act, room.record_key, REVEALED_EVENT, operation_id) is not None:
        return
    subject = f"study:{act.in_study.id}"
    which: dict[str, object] = {"part": part} if part > FIRST else {}
    told: dict[str, object] = {"reason": reason, "operation": operation_id, **which}
    trail.record(act, room.record_key, REVEALED_EVENT, subject, **told)
    act.record(REVEALED_EVENT, subject, new=which or None, reason=REASONS[reason])
