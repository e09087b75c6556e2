"""What the gates before going live ask of the lit room: that things are there, and no more.

Nothing here opens an envelope or needs a key, and nothing of it depends on an arm.
"""

from __future__ import annotations

from pharmacy.domain.going_live import LitFacts
from pharmacy.domain.roles import Role
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import audit, people
from pharmacy.services.act import Act
from pharmacy.services.study_time import study_moment, study_zone
from pharmacy.unblinded import break_shares, dummy_lists
from pharmacy.unblinded.code_break.drill import drill_facts
from pharmacy.unblinded.granting import granted
from pharmacy.unblinded.list_facts import LOADED_EVENT
from pharmacy.unblinded.recovery_custody import recovery_facts
from pharmacy.unblinded.server_secrets import ServerSecrets, are_sealed
from pharmacy.unblinded.tables import SealedList


def lit_facts(act: Act, secrets: ServerSecrets) -> LitFacts:
    """The lit room's facts of the act's study, without a key and without an open room.

    `secrets` are this installation's, compared by fingerprint with those that were sealed.
    """
    recovery = recovery_facts(act)
    return LitFacts(
        list_loaded=_list_loaded(act),
        dummy_confirmed=not dummy_lists.still_to_try(act),
        holders=_holders(act),
        recovery_sealed=recovery.sealed and not recovery.overdue,
        secrets_sealed=are_sealed(act, secrets),
        breakers=sum(row.tried for row in break_shares.enrolments(act)),
        drilled=_drilled(act),
    )


def _list_loaded(act: Act) -> str:
    if act.uow.session.get(SealedList, act.in_study.id) is None:
        return ""
    entries = audit.page(act.uow.session, act.in_study.id, text=LOADED_EVENT, most=1)
    return format_moment(entries[0].at, study_zone(act)) if entries else ""


def _holders(act: Act) -> int:
    pharmacists = people.members(act.uow.session, act.in_study.id, Role.PHARMACIST)
    return sum("list" in granted(act, person.id) for person in pharmacists)


def _drilled(act: Act) -> str:
    passed = drill_facts(act).passed_from_phone_outside_at
    return study_moment(act, passed)
