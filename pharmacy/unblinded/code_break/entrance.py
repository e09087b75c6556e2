"""Where the door of the code break joins the house: in a process with the lit room, or without."""

from __future__ import annotations

from flask import Flask

from pharmacy.domain.going_live import Gate
from pharmacy.domain.roles import Permission
from pharmacy.unblinded.code_break import drill_views, passphrase_views
from pharmacy.unblinded.padding import BREAK_BYTES, pad_pages
from pharmacy.web.house import House, MenuEntry


def join(app: Flask, pepper: bytes, break_key: bytes) -> None:
    """Register the code break with the app."""
    house: House = app.extensions["twinbag"]
    app.extensions["twinbag_pepper"] = pepper
    app.extensions["twinbag_break_key"] = break_key
    blueprints = (drill_views.blueprint, passphrase_views.blueprint)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    pad_pages(app, [blueprint.name for blueprint in blueprints], BREAK_BYTES)
    house.menu.append(MenuEntry("Break the code", "code_break.page", Permission.BREAK_CODE))
    house.break_door = "code_break.page"
    house.gate_links[Gate.DRILL] = (Permission.BREAK_CODE, "code_break.page")
