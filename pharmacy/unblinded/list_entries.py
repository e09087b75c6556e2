"""The blinded trail's entry of a part's loading: by whom, and when."""

from __future__ import annotations

import json

from pharmacy.persistence import audit
from pharmacy.persistence.audit import AuditEntry
from pharmacy.services.act import Act
from pharmacy.unblinded.list_facts import LOADED_EVENT
from pharmacy.unblinded.list_parts import FIRST, GROWN_EVENT

_ENTRIES = 200


def loading_entry(act: Act, part: int) -> AuditEntry | None:
    """The entry that says that this part of the act's study's list was loaded or made."""
    event = LOADED_EVENT if part == FIRST else GROWN_EVENT
    entries = audit.page(act.uow.session, act.in_study.id, text=event, most=_ENTRIES)
    told = (entry for entry in entries if entry.event == event)
    return next((one for one in told if _part_told(one) == part), None)


def _part_told(entry: AuditEntry) -> int:
    return int(json.loads(entry.body)["new"].get("part", FIRST))
