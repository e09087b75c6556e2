"""The lit room's pages."""

from __future__ import annotations

from pharmacy.unblinded.views import (
    bench,
    board,
    handing_over,
    holders,
    keys,
    lists,
    planning,
    room,
)

BLUEPRINTS = (
    room.blueprint,
    keys.blueprint,
    holders.blueprint,
    lists.blueprint,
    board.blueprint,
    bench.blueprint,
    handing_over.blueprint,
    planning.blueprint,
)
