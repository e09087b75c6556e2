"""Where the lit room joins the house: its routes, menu, landings, and its hooks."""

from __future__ import annotations

from flask import Flask

from pharmacy.domain.going_live import Gate
from pharmacy.domain.roles import Permission
from pharmacy.unblinded import doorway, keys_left, standing_facts
from pharmacy.unblinded.in_memory import InMemoryRequest
from pharmacy.unblinded.locked import RoomLocked
from pharmacy.unblinded.padding import ROOM_BYTES, pad_pages
from pharmacy.unblinded.views import BLUEPRINTS
from pharmacy.web.house import House, MenuEntry

_MENU = (
    MenuEntry("Board", "lit_board.page", Permission.WORK_AT_BENCH),
    MenuEntry("List", "lit_list.page", Permission.LOAD_LIST),
    MenuEntry("Places", "lit_slots.page", Permission.SEE_SLOTS, group="Study"),
    MenuEntry("Dummy list", "lit_dummy.page", Permission.WORK_AT_BENCH, group="Study"),
    MenuEntry("Holders", "lit_holders.page", Permission.ENROL_HOLDERS, group="Keys"),
    MenuEntry(
        "Investigators", "lit_investigators.page", Permission.ENROL_INVESTIGATORS, group="Keys"
    ),
    MenuEntry("Code breaks", "lit_code_breaks.page", Permission.PREPARE, group="Unblinding"),
    MenuEntry("Recovery", "lit_recovery.page", Permission.KEEP_RECOVERY, group="Keys"),
    MenuEntry("Code-break cards", "lit_break_cards.page", Permission.PREPARE, group="Unblinding"),
    MenuEntry(
        "Safety unblinding", "lit_safety.page", Permission.UNBLIND_FOR_SAFETY, group="Unblinding"
    ),
    MenuEntry("Reports", "lit_reports.page", Permission.ASSESS_UNBLINDING, group="Unblinding"),
    MenuEntry("Study end", "lit_study_end.page", Permission.END_STUDY, group="Study"),
    MenuEntry("Your keys", "lit_keys.page", Permission.ENTER_LIT_ROOM, group="Keys"),
)
_LANDINGS = (
    (Permission.WORK_AT_BENCH, "lit_board.page"),
    (Permission.LOAD_LIST, "lit_list.page"),
)
_GATE_LINKS = {
    Gate.LIST: (Permission.LOAD_LIST, "lit_list.page"),
    Gate.HOLDERS: (Permission.LOAD_LIST, "lit_holders.page"),
    Gate.RECOVERY: (Permission.KEEP_RECOVERY, "lit_recovery.page"),
    Gate.SECRETS: (Permission.KEEP_RECOVERY, "lit_recovery.page"),
    Gate.INVESTIGATOR: (Permission.ENROL_INVESTIGATORS, "lit_investigators.page"),
}


def join(app: Flask, pepper: bytes, break_key: bytes) -> None:
    """Register the lit room with the app."""
    house: House = app.extensions["twinbag"]
    app.extensions["twinbag_pepper"] = pepper
    app.extensions["twinbag_break_key"] = break_key
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    pad_pages(app, [blueprint.name for blueprint in BLUEPRINTS], ROOM_BYTES)
    house.menu[:0] = _MENU
    house.landings.extend(_LANDINGS)
    house.room_is_open = doorway.room_is_open
    house.lock_room = doorway.lock_this
    house.lit_facts = lambda act: standing_facts.lit_facts(act, doorway.server_secrets())
    house.keys_left = keys_left.keys_left
    house.gate_links.update(_GATE_LINKS)
    app.register_error_handler(RoomLocked, doorway.answer_locked)
    app.request_class = InMemoryRequest
