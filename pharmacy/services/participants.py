"""Registering participants by code with a card of their own, and their weights."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from pharmacy.domain.bag_code import BagCode, Piece, make_code, parse_code
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.quantities import parse_weight_kg
from pharmacy.domain.roles import Permission
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import participants, studies
from pharmacy.persistence.participants import Card, Participant, Weight
from pharmacy.persistence.studies import Site
from pharmacy.services import site_texts, stages, voiding
from pharmacy.services.act import Act

_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{1,9}")


def register(act: Act, code: str, consented_on: date, site_id: str = "") -> Participant:
    """Register a participant with consent; gives them a card. The code is the site's own.

    `site_id` may be left empty where the study has one site only. Refused (409) in a live study
    that has not gone live.
    """
    act.permit(Permission.ENROL)
    stages.admit(act, StudyAct.ENROL)
    site, errors = _chosen_site(act, site_id)
    if not _CODE.fullmatch(code):
        errors["code"] = "Type 2 to 10 capital letters, digits or dashes, such as M-002. No names."
    elif participants.by_code(act.uow.session, act.in_study.id, code):
        errors["code"] = "This code is taken in this study."
    elif not site_texts.room_for_participant(code):
        errors["code"] = "This code is too wide for labels and card. Use fewer or narrower letters."
    if site and consented_on > _today(act, site):
        errors["consented_on"] = "Consent cannot be in the future."
    if errors or site is None:
        raise BadForm(errors)
    participant = Participant(
        id=act.new_id("participant"),
        study_id=act.in_study.id,
        site_id=site.id,
        code=code,
        consented_on=consented_on,
        registered_at=act.now,
        registered_by=act.person.id,
        state="registered",
    )
    act.uow.session.add(participant)
    act.uow.session.flush()
    new_card(act, participant)
    act.record(
        "participant_registered",
        f"participant:{code}",
        new={"code": code, "site": site.code, "consented_on": consented_on.isoformat()},
    )
    return participant


def weigh(
    act: Act, participant_id: str, weight_text: str, measured_on: date, measured_by: str
) -> Weight:
    """Add a weighing in kg with its date and who measured it; a correction is another one.

    A plan that was made with a weight which no longer counts is void from here on.
    """
    act.permit(Permission.ENROL)
    stages.admit(act, StudyAct.ENROL)
    participant = find(act, participant_id)
    errors, weight_kg = _read_weight(weight_text)
    if measured_on > _today(act, site_of(act, participant)):
        errors["measured_on"] = "A weight cannot be of a day in the future."
    if not 2 <= len(measured_by.strip()) <= 60:
        errors["measured_by"] = "Type who measured it."
    if errors or weight_kg is None:
        raise BadForm(errors)
    participants.hold(act.uow.session, participant.id)
    before = participants.weights(act.uow.session, participant.id)
    weight = Weight(
        id=act.new_id("weight"),
        participant_id=participant.id,
        weight_kg=weight_kg,
        measured_on=measured_on,
        measured_by=measured_by.strip(),
        entered_at=act.now,
        entered_by=act.person.id,
    )
    act.uow.session.add(weight)
    act.record(
        "weight_entered",
        f"participant:{participant.code}",
        old=str(before[0].weight_kg) if before else None,
        new={"weight_kg": str(weight_kg), "measured_on": measured_on.isoformat()},
    )
    act.uow.session.flush()
    voiding.void_if_needed(act, participant)
    return weight


def new_card(act: Act, participant: Participant) -> Card:
    """Give a participant a card with a random code of its own; its record is the caller's."""
    code = make_code(
        act.surroundings.random_bytes("card code", 10),
        practice=act.in_study.practice,
        piece=Piece.CARD,
    )
    card = Card(
        body=parse_code(code).body,
        participant_id=participant.id,
        made_at=act.now,
        ended_at=None,
        ended_why="",
    )
    act.uow.session.add(card)
    return card


def card_code(act: Act, card: Card) -> str:
    """The whole 20-character code that a card carries."""
    return BagCode(act.in_study.practice, Piece.CARD, card.body).text


def find(act: Act, participant_id: str) -> Participant:
    """The participant of the act's study, or a refusal (404)."""
    participant = participants.participant(act.uow.session, participant_id)
    if participant is None or participant.study_id != act.in_study.id:
        raise Refusal("There is no such participant in this study.", status=404)
    return participant


def site_of(act: Act, participant: Participant) -> Site:
    """The participant's site."""
    return act.uow.session.get_one(Site, participant.site_id)


def _read_weight(text: str) -> tuple[dict[str, str], Decimal | None]:
    """The weight, or its sentence to stand beside those of the other fields."""
    try:
        return {}, parse_weight_kg(text)
    except BadForm as wrong:
        return dict(wrong.errors), None


def site_choices(act: Act) -> tuple[tuple[str, str], ...]:
    """The study's sites to choose from, by code; empty where there is no choice."""
    act.permit(Permission.ENROL)
    found = studies.sites(act.uow.session, act.in_study.id)
    if len(found) < 2:
        return ()
    return tuple((site.id, f"{site.code}: {site.pharmacy_name}") for site in found)


def _chosen_site(act: Act, site_id: str) -> tuple[Site | None, dict[str, str]]:
    """The site with this id, or the only one, or the sentence beside its field."""
    found = studies.sites(act.uow.session, act.in_study.id)
    if len(found) == 1 and not site_id:
        return found[0], {}
    chosen = next((site for site in found if site.id == site_id), None)
    return chosen, {} if chosen else {"site": "Choose the participant's site."}


def today_of(act: Act, participant: Participant) -> date:
    """The date at a participant's site."""
    return _today(act, site_of(act, participant))


def _today(act: Act, site: Site) -> date:
    return act.now.astimezone(ZoneInfo(site.zone)).date()
