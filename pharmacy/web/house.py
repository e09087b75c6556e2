"""What every request needs of the installation, handed in by `create_app`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flask import current_app

from pharmacy.domain.going_live import Gate, LitFacts
from pharmacy.domain.roles import Permission
from pharmacy.services.accounts import KeysLeft
from pharmacy.services.act import Act
from pharmacy.services.surroundings import Surroundings
from pharmacy.services.units import Units


@dataclass(frozen=True)
class MenuEntry:
    """One word of the menu: where it leads and who sees it. `in_study` needs a study's id.

    `group` is the word it is found under in a long menu; one without stands by itself.
    """

    label: str
    endpoint: str
    permission: Permission
    in_study: bool = True
    group: str = ""


def _nowhere(_act: Act, _report_id: str, _said: str) -> None:
    raise ValueError("nobody seals reports in this process")


@dataclass
class House:
    """The joined rooms: units of work, surroundings, settings, and what other rooms registered.

    `landings` says where a person with a permission arrives, the first match counts.
    `room_is_open` is asked by the door of a lit route; the blinded side has none. `lock_room` is
    called when somebody signs out. `post_notices` wakes whoever mails notices, if somebody does.
    `break_door` is where an investigator breaks a code in a study, if this process has that door.
    `lit_facts` tells what the gates before going live ask of the lit room, None where it is not
    part of the process; `gate_links` says where its gates are opened.
    `keys_left` tells the administrator who still holds keys without a role that needs them.
    `seal_report` takes what somebody writes of a suspected unblinding where only the pharmacy
    reads it.
    """

    units: Units
    surroundings: Surroundings
    secret_key: bytes
    secure_cookies: bool
    practice_only: bool = False
    menu: list[MenuEntry] = field(default_factory=list)
    landings: list[tuple[Permission, str]] = field(default_factory=list)
    room_is_open: Callable[[], bool] = lambda: False
    lock_room: Callable[[], None] = lambda: None
    post_notices: Callable[[], None] = lambda: None
    break_door: str = ""
    lit_facts: Callable[[Act], LitFacts] | None = None
    gate_links: dict[Gate, tuple[Permission, str]] = field(default_factory=dict)
    keys_left: Callable[[Act], tuple[KeysLeft, ...]] = lambda _act: ()
    seal_report: Callable[[Act, str, str], None] = _nowhere


def house() -> House:
    """The house of the running app."""
    found: House = current_app.extensions["twinbag"]
    return found
