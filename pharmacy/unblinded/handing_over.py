"""Two people at one bench: the first locks the room, the second opens it at the same bag.

No row is added and no plaintext time is moved, in the sign-in's table or in the lit room's: both
rows are rewritten in place, so that neither their number nor their clocks tell when the first
person was done. What happened stands in the bag's record.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pharmacy.domain.errors import BadForm, Refusal, WrongPassword
from pharmacy.domain.roles import Permission
from pharmacy.persistence import people
from pharmacy.persistence.people import Person
from pharmacy.persistence.sign_ins import SignInSession
from pharmacy.services import sign_in, throttling
from pharmacy.services.act import Act
from pharmacy.unblinded import bag_record, second_person
from pharmacy.unblinded import room as rooms
from pharmacy.unblinded.at_bench import find_planned
from pharmacy.unblinded.entries import other_person
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.steps import needed_permission, step_of

_NOT_AT_THE_BENCH = "This person does not work at the bench in this study."
_NOT_THEIR_TURN = "This person may not do the next step of this bag. Fetch somebody who may."


@dataclass(frozen=True)
class CheckIn:
    """What the second person types. `granter_words` only at their first opening of the study.

    `code` is of the authenticator, where one is asked of this person; or `passkey`, which is what
    the browser answered for theirs.
    """

    user_name: str
    password: str
    passphrase: str
    granter_words: str = ""
    code: str = ""
    passkey: str = ""


@dataclass(frozen=True)
class HandedOver:
    """The two new cookies of the browser: the sign-in's token and the half of the open room."""

    token: str
    half: bytes


def begin(act: Act, room: OpenRoom, bag_id: str, half: bytes, pepper: bytes) -> None:
    """Lock the first person's room for somebody else to check in at this bag."""
    act.permit(Permission.WORK_AT_BENCH)
    find_planned(act, bag_id)
    rooms.wait_for(act, room, bag_id, half, pepper)


def check_in(
    act: Act,
    session: SignInSession,
    waiting: OpenRoom | None,
    bag_id: str,
    operation_id: str,
    said: CheckIn,
    whence: str,
    pepper: bytes,
) -> HandedOver:
    """Make session and room the second person's, who proves both secrets.

    `act` is the first person's. Refused: no hand-over of this bag under way (409), the same
    person, no bench role in this study, not their turn (403). Wrong secrets are `BadForm`,
    counted against the second person.
    """
    if waiting is None or waiting.waits_for != bag_id:
        raise Refusal("Nobody is handing this bag over here. Open the room with your passphrase.")
    find_planned(act, bag_id)
    person = second_person.check_in(
        act,
        session,
        said.user_name,
        said.password,
        whence,
        code=said.code,
        passkey=said.passkey,
    )
    second = _as_second(act, second_person.another(act, person))
    token = sign_in.hand_over(act.uow, act.surroundings, session, person)
    act.uow.session.flush()
    try:
        half = rooms.open_room(
            second,
            session.id,
            said.passphrase,
            said.granter_words,
            pepper,
        )
    except WrongPassword as wrong:
        raise _counted(act, person, wrong) from None
    room = rooms.look(second, session.id, half, pepper)
    if room is None:
        raise ValueError("a room that was just opened is open")
    _take_turn(second, room, bag_id, operation_id)
    return HandedOver(token, half)


def _as_second(act: Act, person: Person) -> Act:
    roles = people.roles_of(act.uow.session, person.id, act.in_study.id)
    second = replace(act, person=person, roles=roles)
    try:
        second.permit(Permission.WORK_AT_BENCH)
    except Refusal:
        raise Refusal(_NOT_AT_THE_BENCH, status=403) from None
    return second


def _take_turn(second: Act, room: OpenRoom, bag_id: str, operation_id: str) -> None:
    """Refuse who could not go on here, and note the turn in the bag's record."""

    def step(record: bag_record.Record) -> bag_record.Record:
        try:
            second.permit(needed_permission(step_of(record)))
        except Refusal:
            raise Refusal(_NOT_THEIR_TURN, status=403) from None
        if record.stage is bag_record.Stage.PREPARED:
            other_person(second, record)
        return bag_record.noted(second, record, "took over at the bench")

    form: dict[str, object] = {"verb": "check_in"}
    bag_record.change(second, room, bag_id, operation_id, form, step)


def _counted(act: Act, person: Person, wrong: WrongPassword) -> BadForm:
    act.uow.rollback()
    throttling.missed_signature(act.uow, person.id)
    act.uow.commit()
    return BadForm({wrong.field: wrong.sentence})
