"""What the administrator reads of accounts: who there is, in which state, with which roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import ROLES, Permission, Role
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import people, studies
from pharmacy.persistence.people import Person
from pharmacy.services import authenticator_reset, passkeys, second_step, stages
from pharmacy.services.act import Act

_UTC = ZoneInfo("UTC")
_NO_PAGE = "has no page yet, so the role cannot be given."


@dataclass(frozen=True)
class Account:
    """One account as a page shows it. `state` is a word, `since` a sentence about it."""

    person_id: str
    full_name: str
    user_name: str
    initials: str
    administrator: bool
    state: str
    since: str
    present: bool
    oneself: bool
    roles: tuple[tuple[str, str], ...]
    authenticator: str
    can_end_authenticator: bool
    came_without: str
    passkeys: str
    lacks_passkey: bool
    counter_refused: str


@dataclass(frozen=True)
class KeysLeft:
    """Somebody who still holds keys of a study and has no role there that needs them.

    `ask` are the names of those who can take them back; which keys they are is not said.
    """

    person_id: str
    name: str
    study: str
    ask: tuple[str, ...]


@dataclass(frozen=True)
class StudyRoles:
    """What a person is in one study: roles as words, none as an empty text."""

    study_id: str
    code: str
    titles: str


@dataclass(frozen=True)
class Offer:
    """A role that can be ticked."""

    role: Role
    title: str
    held: bool


@dataclass(frozen=True)
class RoleSheet:
    """What can be ticked for one person in one study, by side, and why the rest cannot."""

    study_code: str
    blinded: tuple[Offer, ...]
    unblinded: tuple[Offer, ...]
    not_offered: tuple[str, ...]


def accounts(act: Act) -> list[Account]:
    """Every account, those who left at the end; each part by user name."""
    act.permit(Permission.ADMINISTER)
    everybody = sorted(people.everybody(act.uow.session), key=lambda person: bool(person.left_at))
    return [_account(act, person) for person in everybody]


def account(act: Act, person_id: str) -> Account:
    """One account, of somebody who left too; refused (404) where there is none."""
    act.permit(Permission.ADMINISTER)
    return _account(act, _person(act, person_id))


def roles_by_study(act: Act, person_id: str) -> list[StudyRoles]:
    """Every study with the roles a person holds there now."""
    act.permit(Permission.ADMINISTER)
    session = act.uow.session
    return [
        StudyRoles(
            study.id,
            stages.named(act.uow, study),
            _titles(people.roles_of(session, person_id, study.id)),
        )
        for study in studies.all_studies(session)
    ]


def role_sheet(act: Act, person_id: str, study_id: str) -> RoleSheet:
    """The roles a form may offer for a person in a study, and a sentence for each it may not."""
    act.permit(Permission.ADMINISTER)
    person, study = _person(act, person_id), studies.study(act.uow.session, study_id)
    if study is None:
        raise Refusal("There is no such study.", status=404)
    held = people.roles_of(act.uow.session, person_id, study_id)
    ever = people.roles_ever(act.uow.session, person_id, study_id)
    whys = {role: _why_not(role, person, ever) for role in Role}
    offers = [Offer(role, ROLES[role].title, role in held) for role in Role if not whys[role]]
    return RoleSheet(
        stages.named(act.uow, study),
        tuple(offer for offer in offers if ROLES[offer.role].blinded),
        tuple(offer for offer in offers if not ROLES[offer.role].blinded),
        tuple(dict.fromkeys(why for why in whys.values() if why)),
    )


def _why_not(role: Role, person: Person, ever: frozenset[Role]) -> str:
    facts = ROLES[role]
    if not facts.has_page:
        return f"{facts.title} {_NO_PAGE}"
    if person.administrator and not facts.blinded:
        return "Unblinded roles are not offered: an administrator stays blinded."
    if facts.blinded and any(not ROLES[was].blinded for was in ever):
        return (
            "Blinded roles are not offered: this person held an unblinded role in this study, "
            "and what was seen is not unseen."
        )
    return ""


def _person(act: Act, person_id: str) -> Person:
    person = people.person(act.uow.session, person_id)
    if person is None:
        raise Refusal("There is no such account.", status=404)
    return person


def _account(act: Act, person: Person) -> Account:
    state, since = _state(act, person)
    held = [(row.code, row.titles) for row in roles_by_study(act, person.id) if row.titles]
    return Account(
        person_id=person.id,
        full_name=person.full_name,
        user_name=person.user_name,
        initials=person.initials,
        administrator=person.administrator,
        state=state,
        since=since,
        present=person.left_at is None,
        oneself=person.id == act.person.id,
        roles=tuple(held),
        authenticator=authenticator_reset.words(act.uow, person),
        can_end_authenticator=authenticator_reset.can_end(act, person),
        came_without=second_step.came_without(act.uow, person.id),
        passkeys=passkeys.words(act.uow, person) if passkeys.offered(act) else "",
        lacks_passkey=passkeys.offered(act) and passkeys.lacking(act.uow, person),
        counter_refused=passkeys.refused_counter(act.uow, person.id),
    )


def _state(act: Act, person: Person) -> tuple[str, str]:
    if person.left_at is not None:
        return "Left", f"Ended {format_moment(person.left_at, _UTC)}."
    until = people.open_link_until(act.uow.session, person.id, act.now)
    link = f"A one-time link is open until {format_moment(until, _UTC)}." if until else ""
    if person.password_hash is None:
        return "No password yet", link or "No one-time link is open; make a new one."
    return "Active", link or f"Added {format_moment(person.created_at, _UTC)}."


def _titles(roles: Sequence[Role] | frozenset[Role]) -> str:
    return ", ".join(ROLES[role].title for role in sorted(roles))
