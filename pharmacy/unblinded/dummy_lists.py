"""A dummy list first: tried in a practice study, confirmed by two people, never used for people.

What goes wrong with real lists is a wrong order, exchanged codes and mistakes in programs, so a
list of the same rules goes the whole way once before one that counts is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import signatures, studies
from pharmacy.persistence.studies import Study
from pharmacy.services import signing, stages
from pharmacy.services.act import Act
from pharmacy.services.studies import protocol_of
from pharmacy.unblinded import list_parts, trail
from pharmacy.unblinded.granting import unwrap_keys, wraps_of
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.rules import ListRules
from pharmacy.unblinded.tables import DummyConfirmation, HolderKeys, SealedList, Stratum

CONFIRM_MEANING = "I compared this dummy list with its rules and its printed certificate."
CONFIRMED_EVENT = "dummy_list_confirmed"
NEEDED = 2


@dataclass(frozen=True)
class DummyList:
    """What two people compare: rows of each stratum as loaded and as the rules ask, commitment.

    `why_not` is why the acting person does not confirm it (any more); empty when they may.
    """

    strata: tuple[tuple[str, int, int], ...]
    commitment: str
    confirmed: tuple[tuple[str, datetime], ...]
    why_not: str


def dummy_list(act: Act, rules: ListRules) -> DummyList:
    """The act's study's dummy list for the people at its bench; 404 when there is none."""
    act.permit(Permission.WORK_AT_BENCH)
    loaded = _loaded(act)
    strata = sa.select(Stratum).where(Stratum.study_id == act.in_study.id)
    slots = {row.stratum: row.slots for row in act.uow.session.scalars(strata)}
    for part in list_parts.later_parts(act):
        for stratum, rows in list_parts.rows_of(act, part.part).items():
            slots[stratum] -= rows
    slots = {stratum: rows for stratum, rows in slots.items() if rows}
    names = dict.fromkeys((*rules.stratum_names, *sorted(slots)))
    asked = set(rules.stratum_names)
    return DummyList(
        strata=tuple(
            (name, slots.get(name, 0), rules.rows_per_stratum if name in asked else 0)
            for name in names
        ),
        commitment=loaded.commitment.hex(),
        confirmed=confirmed_by(act, loaded),
        why_not=_why_not(act, loaded),
    )


def confirm(act: Act, room: OpenRoom, rules: ListRules, compared: bool, password: str) -> None:
    """The acting person signs that they compared the dummy list; a second time changes nothing.

    Refused (409) to whoever loaded it, since nobody sees their own mistake, and when the rows are
    not those of the rules. The open room has compared the list's signature with the person's pins.
    """
    stages.admit(act, StudyAct.LOAD_LIST)
    shown = dummy_list(act, rules)
    loaded = _loaded(act)
    if any(row.person_id == act.person.id for row in confirmations(act, loaded)):
        return
    if shown.why_not:
        raise Refusal(shown.why_not)
    if any(stored != stated for _, stored, stated in shown.strata):
        raise Refusal("The rows are not those that the rules ask for. Call the statistician.")
    if not compared:
        raise BadForm({"compared": "Compare the list with its rules and certificate, then tick."})
    subject = f"study:{act.in_study.id}"
    slots = sum(stored for _, stored, _ in shown.strata)
    # Not the commitment: the blinded side keeps nothing that another list would change.
    facts: dict[str, object] = {"slots": slots}
    signature = signing.sign(act, password, CONFIRM_MEANING, "dummy_list", act.in_study.id, facts)
    act.uow.session.merge(
        DummyConfirmation(
            study_id=act.in_study.id,
            person_id=act.person.id,
            signature_id=signature.id,
            commitment=loaded.commitment,
        )
    )
    said = {"commitment": shown.commitment, "signature": signature.id}
    trail.record(act, room.record_key, CONFIRMED_EVENT, subject, **facts, **said)
    act.record(CONFIRMED_EVENT, subject, new={**facts, "meaning": CONFIRM_MEANING})


def confirmations(act: Act, loaded: SealedList) -> list[DummyConfirmation]:
    """Who confirmed this very list, its loader never among them."""
    query = sa.select(DummyConfirmation).where(
        DummyConfirmation.study_id == loaded.study_id,
        DummyConfirmation.person_id != loaded.loaded_by,
    )
    rows = act.uow.session.scalars(query).all()
    return [row for row in rows if row.commitment == loaded.commitment]


def confirmed_by(act: Act, loaded: SealedList) -> tuple[tuple[str, datetime], ...]:
    """The same as printed names and moments, in the order they signed."""
    rows = (
        signatures.signature(act.uow.session, row.signature_id)
        for row in confirmations(act, loaded)
    )
    return tuple(sorted(((r.printed_name, r.at) for r in rows if r), key=lambda one: one[1]))


def is_confirmed(act: Act, loaded: SealedList) -> bool:
    """Whether two people have confirmed this dummy list."""
    return loaded.dummy and len(confirmations(act, loaded)) >= NEEDED


def still_to_try(act: Act) -> str:
    """Why a live study's list has to wait for a dummy list; empty when it need not.

    A dummy list counts that was loaded in a practice study of the same protocol code and confirmed
    by two people.
    """
    if act.in_study.practice:
        return ""
    code = protocol_of(act)[1].code
    for study, loaded in _lists_of_the_other_mode(act):
        same = protocol_of(replace(act, study=study))[1].code == code
        if same and is_confirmed(act, loaded):
            return ""
    return (
        f"No dummy list of {code} is confirmed yet. Load one in a practice study of the same "
        "protocol; two people of its bench confirm it there. Then load the list that counts."
    )


def refuse_the_other_modes(
    act: Act, canonical: bytes, keys: HolderKeys, exchange_private: bytes
) -> None:
    """Refuse (409) the very list of a practice study in a live one, and the other way round.

    The loader's own keys open the other study's sealed opening, and its commitment tells whether
    the rows are the same. This cannot see a list of a study whose list key the loader does not
    hold, of another installation, or one that was read under other rules or with other
    randomization numbers. Where rows have no numbers, a list may be refused that only happens to
    have the same arms; for twelve rows in blocks of four that is one list of 216.
    """
    for study, _loaded_there in _lists_of_the_other_mode(act):
        elsewhere = replace(act, study=study)
        parts = list_parts.parts(elsewhere)
        if "list" not in {row.key_name for row in wraps_of(elsewhere, keys)}:
            continue
        list_key = unwrap_keys(elsewhere, keys, exchange_private)["list"]
        if any(list_parts.is_of(list_key, part, canonical) for part in parts):
            raise Refusal(_same_list(study))


def _same_list(study: Study) -> str:
    if study.practice:
        return (
            f"This is the dummy list of the practice study {study.code}, or has the same rows. A "
            "dummy list is never used for people. Make another one."
        )
    return (
        f"This is the list of the live study {study.code}, or has the same rows. A list that "
        "counts is never tried out. Make a dummy list."
    )


def _lists_of_the_other_mode(act: Act) -> Iterator[tuple[Study, SealedList]]:
    for study in studies.all_studies(act.uow.session):
        if study.practice is not act.in_study.practice:
            loaded = act.uow.session.get(SealedList, study.id)
            if loaded is not None:
                yield study, loaded


def _loaded(act: Act) -> SealedList:
    loaded = act.uow.session.get(SealedList, act.in_study.id)
    if loaded is None:
        raise Refusal("No list is loaded yet. The statistician loads it.", status=404)
    return loaded


def _why_not(act: Act, loaded: SealedList) -> str:
    if not loaded.dummy:
        return "The list of a live study is not a dummy list, and nobody confirms it here."
    if loaded.loaded_by == act.person.id:
        return "Whoever loaded the list does not confirm it. Ask two others of the bench."
    if any(row.person_id == act.person.id for row in confirmations(act, loaded)):
        return "You have confirmed this dummy list."
    return ""
