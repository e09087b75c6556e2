"""The lit room's pages."""

from __future__ import annotations

from pharmacy.unblinded.views import (
    bench,
    board,
    break_cards,
    code_breaks,
    dummy_list,
    handing_over,
    holders,
    investigators,
    keys,
    list_parts,
    list_proofs,
    lists,
    own_passphrase,
    planning,
    recovery,
    recovery_ceremonies,
    renewal,
    room,
    safety,
    slots,
)

BLUEPRINTS = (
    room.blueprint,
    keys.blueprint,
    own_passphrase.blueprint,
    holders.blueprint,
    renewal.blueprint,
    investigators.blueprint,
    lists.blueprint,
    list_proofs.blueprint,
    list_parts.blueprint,
    slots.blueprint,
    dummy_list.blueprint,
    board.blueprint,
    bench.blueprint,
    handing_over.blueprint,
    planning.blueprint,
    code_breaks.blueprint,
    recovery.blueprint,
    recovery_ceremonies.blueprint,
    break_cards.blueprint,
    safety.blueprint,
)
