"""Where the acting person stands before the lit room: keys, enrolment, first opening."""

from __future__ import annotations

from dataclasses import dataclass

from pharmacy.domain.roles import Permission, may
from pharmacy.persistence import people
from pharmacy.services.act import Act
from pharmacy.unblinded import granting, pins, private_record, room, versions
from pharmacy.unblinded.holders import keys_of


@dataclass(frozen=True)
class Standing:
    """What a page may show of the person's own keys; `six_words` are for reading aloud.

    `granter` is whose words are typed at the first opening, empty where none are asked.
    `may_found`: the study has no keys yet and this person makes them.
    """

    made: bool
    confirmed: bool
    enrolled: bool
    six_words: str = ""
    granter: str = ""
    may_found: bool = False


def standing(act: Act) -> Standing:
    """The acting person's standing in the act's study."""
    keys = keys_of(act, act.person.id)
    if keys is None:
        return Standing(made=False, confirmed=False, enrolled=False)
    words = private_record.six_words(keys) if keys.confirmed else ""
    enrolled = bool(granting.granted(act, act.person.id))
    may_found = may(act.roles, Permission.LOAD_LIST) and versions.study_keys(act) is None
    return Standing(True, keys.confirmed, enrolled, words, _granter(act, enrolled), may_found)


def _granter(act: Act, enrolled: bool) -> str:
    keys = keys_of(act, act.person.id)
    if not enrolled or keys is None or room.opened_before(act):
        return ""
    person = people.person(act.uow.session, pins.enrolled_by(act, keys) or "")
    return person.full_name if person else ""
