"""Which stratum a participant belongs to, and which requests can be served now.

Only here do a site and the factor levels that blinded people entered become a list's stratum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.domain.errors import Refusal
from pharmacy.domain.protocol import Protocol
from pharmacy.persistence import factors, participants
from pharmacy.persistence.participants import AllocationRequest, Participant
from pharmacy.persistence.studies import Site
from pharmacy.services.act import Act
from pharmacy.services.studies import protocol_of
from pharmacy.unblinded.rules import SITE_COLUMN, ListRules
from pharmacy.unblinded.study_files import rules_of
from pharmacy.unblinded.tables import Stratum

ONLY_STRATUM = ""
LIST_FULL = "No slot is left in the list. Call the statistician."
NO_PLACE = "No place left in its stratum: call the statistician."
NOT_LISTED = "Its site or factors are not in the list: call the statistician."


@dataclass(frozen=True)
class Queued:
    """A request that waits; `problem` says why it cannot be served, empty when it can."""

    request: AllocationRequest
    stratum: str
    problem: str = ""


def queue(act: Act) -> Iterator[Queued]:
    """The requests that wait, the oldest signature first, each with its stratum.

    A request without a place is passed over and does not hold up the others: strata are lists of
    their own, so that only the order within each one conceals anything.
    """
    rows = act.uow.session.scalars(
        sa.select(Stratum)
        .where(Stratum.study_id == act.in_study.id)
        .execution_options(populate_existing=True)
    )
    standing = {row.stratum: row for row in rows}
    rules = _rules(act, standing)
    for request in participants.waiting_requests(act.uow.session, act.in_study.id):
        participant = act.uow.session.get_one(Participant, request.participant_id)
        stratum = stratum_of(act, rules, participant)
        yield Queued(request, stratum or ONLY_STRATUM, _problem(standing, stratum))


def stratum_of(act: Act, rules: ListRules | None, participant: Participant) -> str | None:
    """A participant's stratum by the rules, of everybody without rules; None if they know none."""
    if rules is None:
        return ONLY_STRATUM
    site = act.uow.session.get_one(Site, participant.site_id)
    entered = factors.current(act.uow.session, participant.id)
    numbers = {group.site: group.number for group in rules.data_access_groups}
    coded: list[str] = []
    for column in rules.strata:
        if column.column == SITE_COLUMN:
            level = numbers.get(site.code)
        else:
            values = dict(zip(column.factor_levels, column.levels, strict=True))
            level = values.get(entered.get(column.factor, ""))
        if level is None:
            return None
        coded.append(level)
    return "/".join(coded)


def unfed(rules: ListRules, protocol: Protocol) -> str:
    """Why the protocol's factors cannot fill the rules' columns, in a sentence; empty if they can.

    Every column needs its factor, and every level of that factor its coded value.
    """
    known = {one.code: {level.code for level in one.levels} for one in protocol.factors}
    for column in rules.strata:
        if column.column == SITE_COLUMN:
            continue
        if known.get(column.factor) != set(column.factor_levels):
            return (
                f"The list rules' column {column.column} and the protocol's factors do not fit "
                "together. Ask the statistician."
            )
    return ""


def need_fed(act: Act) -> str:
    """`unfed` of the study's own rules and protocol; empty for a study without rules."""
    protocol = protocol_of(act)[1]
    try:
        rules = rules_of(protocol.code)
    except Refusal:
        return ""  # the page that needs the rules says that there are none
    return unfed(rules, protocol)


def _rules(act: Act, standing: dict[str, Stratum]) -> ListRules | None:
    """The study's rules, where its list has more than the one stratum of everybody."""
    if set(standing) <= {ONLY_STRATUM}:
        return None
    return rules_of(protocol_of(act)[1].code).grown


def _problem(standing: dict[str, Stratum], stratum: str | None) -> str:
    if not standing:
        return ""
    row = standing.get(stratum) if stratum is not None else None
    if row is None:
        return NOT_LISTED
    if row.next_slot <= row.slots:
        return ""
    return LIST_FULL if stratum == ONLY_STRATUM else NO_PLACE
