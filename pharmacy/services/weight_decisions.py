"""The investigator's signed way on with a weight over the limit, or one that changed too much.

A decision is about one weighing and the newest one only: another weighing is another question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.protocol import Protocol
from pharmacy.domain.quantities import format_number, format_weight, plain
from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_day, format_moment
from pharmacy.domain.stages import StudyAct
from pharmacy.domain.weight_limits import changed_too_much
from pharmacy.persistence import participants, signatures
from pharmacy.persistence import weight_decisions as kept
from pharmacy.persistence.participants import Participant, Weight
from pharmacy.persistence.weight_decisions import CHANGE, CONFIRMED, OVER_LIMIT, WeightDecision
from pharmacy.services import participants as participant_verbs
from pharmacy.services import stages, voiding
from pharmacy.services.act import Act
from pharmacy.services.signing import sign
from pharmacy.services.studies import protocol_of

MEANING = "I decide on this weight as written."
REASONS = {
    "weighed_again": "It was weighed again and is right",
    "fluid": "Fluid gained or lost",
    "illness": "Illness or its treatment",
    "growth": "Growth",
}
_NOTHING_OPEN = "Nothing about this weight is left to decide."
_NEWER = "A newer weight was entered since. Open the participant and decide on that one."
_NOT_YET = "Before eligibility is signed no weight is decided on; weigh again or do not enrol."
_SKIPPED = "Skip the course ordered next: nothing of it is prepared or given on this weight"


@dataclass(frozen=True)
class OpenQuestion:
    """What a weighing still asks the investigator.

    `choices` are those the protocol allows over its limit, empty where it is not over;
    `changed_from_kg` is the weight of the last earlier day, where the change stops.
    """

    choices: tuple[str, ...] = ()
    changed_from_kg: Decimal | None = None

    def __bool__(self) -> bool:
        return bool(self.choices) or self.changed_from_kg is not None


@dataclass(frozen=True)
class DecisionSheet:
    """The page: facts, the choices in words, whether a reason is asked, and the meaning."""

    code: str
    facts: tuple[tuple[str, str], ...]
    choices: dict[str, str]
    asks_reason: bool


def question(act: Act, weights: Sequence[Weight], protocol: Protocol) -> OpenQuestion:
    """What the newest of a participant's weighings (newest first) still asks to be signed."""
    if not weights:
        return OpenQuestion()
    newest, rule = weights[0], protocol.weight
    decided = {row.kind for row in kept.of_weight(act.uow.session, newest.id)}
    over = newest.weight_kg > rule.maximum_kg and OVER_LIMIT not in decided
    previous = previous_kg(weights)
    changed = (
        previous is not None
        and CHANGE not in decided
        and changed_too_much(protocol, newest.weight_kg, previous)
    )
    return OpenQuestion(rule.over_limit_choices if over else (), previous if changed else None)


def previous_kg(weights: Sequence[Weight]) -> Decimal | None:
    """The weight of the last earlier day: two entries of one day are a correction."""
    earlier = [row for row in weights if row.measured_on < weights[0].measured_on]
    return earlier[0].weight_kg if earlier else None


def signed_ways(act: Act, weight: Weight) -> tuple[str | None, bool]:
    """The signed choice over the limit, if there is one, and whether the change is confirmed."""
    rows = {row.kind: row.choice for row in kept.of_weight(act.uow.session, weight.id)}
    return rows.get(OVER_LIMIT), CHANGE in rows


def open_for(act: Act, participant: Participant) -> Weight | None:
    """The participant's newest weight, where it waits for the investigator's decision."""
    if participant.state not in ("eligible", "allocated"):
        return None
    weights = participants.weights(act.uow.session, participant.id)
    return weights[0] if question(act, weights, protocol_of(act)[1]) else None


def skipped(act: Act, participant: Participant) -> bool:
    """Whether the investigator has signed to skip the course on the newest weight."""
    weights = participants.weights(act.uow.session, participant.id)
    return bool(weights) and signed_ways(act, weights[0])[0] == "skip"


def sheet(act: Act, participant_id: str, weight_id: str) -> DecisionSheet:
    """What is decided on; refused (409) when nothing of it is open."""
    act.permit(Permission.SIGN_ORDERS)
    participant, weights, asked = _open(act, participant_id, weight_id)
    newest, protocol = weights[0], protocol_of(act)[1]
    rule = protocol.weight
    rows = [
        ("Weight", format_weight(newest.weight_kg)),
        ("Measured", f"{format_day(newest.measured_on)} by {newest.measured_by}"),
    ]
    if asked.changed_from_kg is not None:
        rows.append(("The weight before", format_weight(asked.changed_from_kg)))
        rows.append(("A change stops from", f"{format_number(rule.change_stops_percent)}% on"))
    if asked.choices:
        rows.append(("The protocol's limit", format_weight(rule.maximum_kg)))
    return DecisionSheet(
        code=participant.code,
        facts=tuple(rows),
        choices={
            one: choice_words(one, newest.weight_kg, rule.maximum_kg) for one in asked.choices
        },
        asks_reason=asked.changed_from_kg is not None,
    )


def decide(
    act: Act, participant_id: str, weight_id: str, choice: str, reason: str, password: str
) -> None:
    """Sign what becomes of the newest weight: `choice` over the limit, `reason` for a change.

    Refused (409): somebody not enrolled or no longer treated, a weight that is not the newest
    any more, and one about which nothing is open. A choice that the protocol does not allow, and
    a change without a reason of the list: `BadForm`. To skip voids what is planned and not given.
    """
    act.permit(Permission.SIGN_ORDERS)
    stages.admit(act, StudyAct.ORDER)
    participants.hold(act.uow.session, participant_verbs.find(act, participant_id).id)
    participant, weights, asked = _open(act, participant_id, weight_id)
    errors = {}
    if asked.choices and choice not in asked.choices:
        errors["choice"] = "Choose what the protocol allows."
    if asked.changed_from_kg is not None and reason not in REASONS:
        errors["reason"] = "Choose why the weight changed."
    if errors:
        raise BadForm(errors)
    decided = {OVER_LIMIT: (choice, "")} if asked.choices else {}
    if asked.changed_from_kg is not None:
        decided[CHANGE] = (CONFIRMED, reason)
    _keep(act, participant, weights[0], decided, password)
    if choice == "skip" and asked.choices:
        voiding.void_open(act, participant, "skipped")


def _keep(
    act: Act,
    participant: Participant,
    weight: Weight,
    decided: dict[str, tuple[str, str]],
    password: str,
) -> None:
    facts: dict[str, object] = {
        "participant": participant.code,
        "weight_kg": plain(weight.weight_kg),
        "measured_on": weight.measured_on.isoformat(),
        "decided": {kind: list(said) for kind, said in sorted(decided.items())},
    }
    signature = sign(act, password, MEANING, "weight_decision", weight.id, facts)
    for kind, (choice, reason) in sorted(decided.items()):
        act.uow.session.add(
            WeightDecision(
                id=act.new_id("weight decision"),
                study_id=act.in_study.id,
                weight_id=weight.id,
                kind=kind,
                choice=choice,
                reason=reason,
                signature_id=signature.id,
                signed_at=act.now,
            )
        )
    act.record(
        "weight_decided",
        f"participant:{participant.code}",
        new={**facts, "meaning": MEANING, "signature": signature.id},
    )


def _open(
    act: Act, participant_id: str, weight_id: str
) -> tuple[Participant, Sequence[Weight], OpenQuestion]:
    participant = participant_verbs.find(act, participant_id)
    weights = participants.weights(act.uow.session, participant.id)
    if not any(row.id == weight_id for row in weights):
        raise Refusal("There is no such weight of this participant.", status=404)
    if participant.state == "withdrawn":
        raise Refusal("This participant has left the treatment.")
    if participant.state == "registered":
        raise Refusal(_NOT_YET)
    if weights[0].id != weight_id:
        raise Refusal(_NEWER)
    asked = question(act, weights, protocol_of(act)[1])
    if not asked:
        raise Refusal(_NOTHING_OPEN)
    return participant, weights, asked


def choice_words(choice: str, weight_kg: Decimal, limit_kg: Decimal) -> str:
    """A choice over the limit in words."""
    return {
        "skip": _SKIPPED,
        "dose_as_limit": f"Dose as {format_weight(limit_kg)}, the protocol's limit",
        "actual": f"Dose on the actual weight, {format_weight(weight_kg)}",
    }[choice]


def words(act: Act, weight: Weight, protocol: Protocol, zone: ZoneInfo) -> str:
    """What was signed about a weighing, by whom and when; empty when nothing was."""
    rows = kept.of_weight(act.uow.session, weight.id)
    if not rows:
        return ""
    said = [
        f"Change confirmed: {REASONS[row.reason].lower()}"
        if row.kind == CHANGE
        else choice_words(row.choice, weight.weight_kg, protocol.weight.maximum_kg)
        for row in rows
    ]
    signature = signatures.signature(act.uow.session, rows[0].signature_id)
    by = f"{signature.printed_name}, {format_moment(signature.at, zone)}" if signature else ""
    return f"{'; '.join(said)}. Signed by {by}"
