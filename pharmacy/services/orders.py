"""The investigator's two signatures: eligibility, which asks for a slot, and the orders."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.quantities import format_weight, plain
from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_day
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import courses, participants
from pharmacy.persistence.courses import Order
from pharmacy.persistence.participants import AllocationRequest, Participant, Weight
from pharmacy.services import factors, stages
from pharmacy.services import participants as participant_verbs
from pharmacy.services.act import Act
from pharmacy.services.signing import sign
from pharmacy.services.studies import protocol_of

ELIGIBLE_MEANING = "I confirm that this participant is eligible and ask for a place in the study."
ORDER_MEANING = "I order this course as written."
_FURTHEST = timedelta(days=60)
_DRAWS = 20


def sign_eligibility(act: Act, participant_id: str, password: str) -> AllocationRequest:
    """Sign eligibility once; the request for a slot is served in the order of this signature."""
    act.permit(Permission.SIGN_ORDERS)
    stages.admit(act, StudyAct.ENROL)
    participant = participant_verbs.find(act, participant_id)
    # A correction of the factors waits, and then finds them signed.
    participants.hold(act.uow.session, participant.id)
    act.uow.session.refresh(participant)
    if participant.state != "registered":
        raise Refusal("Eligibility of this participant was already signed.")
    weight = screening_weight(act, participant)
    baseline = screening_factors(act, participant)
    signature = sign(
        act,
        password,
        ELIGIBLE_MEANING,
        "eligibility",
        participant.id,
        {"participant": participant.code, "weight_kg": plain(weight.weight_kg), **baseline},
    )
    participant.state = "eligible"
    request = AllocationRequest(
        id=act.new_id("allocation request"),
        study_id=act.in_study.id,
        participant_id=participant.id,
        signature_id=signature.id,
        signed_at=act.now,
        served_at=None,
    )
    act.uow.session.add(request)
    act.record(
        "eligibility_signed",
        f"participant:{participant.code}",
        old="registered",
        new={
            "state": "eligible",
            "meaning": ELIGIBLE_MEANING,
            "weight_kg": plain(weight.weight_kg),
            **baseline,
            "signature": signature.id,
        },
    )
    return request


def screening_weight(act: Act, participant: Participant) -> Weight:
    """The newest weight, if it does not exclude at screening; otherwise refused (409)."""
    weights = participants.weights(act.uow.session, participant.id)
    rule = protocol_of(act)[1].weight
    if not weights:
        raise Refusal("Enter a weight before eligibility is signed.")
    newest = weights[0]
    if newest.weight_kg > rule.maximum_kg:
        raise Refusal(
            f"The newest weight, {format_weight(newest.weight_kg)}, is over "
            f"{format_weight(rule.maximum_kg)}, which excludes at screening."
        )
    if newest.weight_kg < rule.minimum_kg:
        raise Refusal(
            f"The newest weight, {format_weight(newest.weight_kg)}, is under "
            f"{format_weight(rule.minimum_kg)}, the least that can be dosed. Weigh again."
        )
    return newest


def screening_factors(act: Act, participant: Participant) -> dict[str, object]:
    """Site and baseline factors as they are signed; refused (409) while one is missing."""
    protocol = protocol_of(act)[1]
    if lacking := factors.missing(act, participant, protocol):
        raise Refusal(
            f"Enter the baseline factors before eligibility is signed: {', '.join(lacking)}."
        )
    return factors.signed_facts(act, participant, protocol)


def screening_facts(act: Act, participant_id: str) -> tuple[tuple[str, str], ...]:
    """What the investigator confirms: the newest weight and the protocol's own criteria."""
    act.permit(Permission.SIGN_ORDERS)
    participant = participant_verbs.find(act, participant_id)
    weights = participants.weights(act.uow.session, participant.id)
    newest = weights[0] if weights else None
    weight = (
        f"{format_weight(newest.weight_kg)} on {format_day(newest.measured_on)}"
        if newest
        else "None yet"
    )
    protocol = protocol_of(act)[1]
    criteria = "; ".join(protocol.eligibility)
    site = (("Site", participant_verbs.site_of(act, participant).code),)
    return (
        ("Participant", participant.code),
        ("Consent", format_day(participant.consented_on)),
        *(site if protocol.factors else ()),
        ("Newest weight", weight),
        *factors.answered(act, participant, protocol),
        ("The protocol asks", criteria),
    )


def sign_order(
    act: Act,
    participant_id: str,
    visit: str,
    first_day: date,
    at_risk: bool,
    premedication: str,
    password: str,
) -> Order:
    """Sign the order of one course: visit, first infusion day, risk group, premedication."""
    act.permit(Permission.SIGN_ORDERS)
    stages.admit(act, StudyAct.ORDER)
    participant = participant_verbs.find(act, participant_id)
    if participant.state not in ("eligible", "allocated"):
        raise Refusal("Sign eligibility before the first order.")
    _check_order(act, participant_id, visit, first_day, premedication)
    order_id = act.new_id("order")
    facts: dict[str, object] = {
        "participant": participant.code,
        "visit": visit,
        "first_day": first_day.isoformat(),
        "at_risk": at_risk,
        "premedication": premedication.strip(),
    }
    signature = sign(act, password, ORDER_MEANING, "order", order_id, facts)
    order = Order(
        id=order_id,
        study_id=act.in_study.id,
        participant_id=participant.id,
        visit=visit,
        number=_number(act),
        first_day=first_day,
        at_risk=at_risk,
        premedication=premedication.strip(),
        signature_id=signature.id,
        signed_at=act.now,
    )
    act.uow.session.add(order)
    act.record(
        "order_signed",
        f"participant:{participant.code}",
        new={**facts, "number": order.number, "meaning": ORDER_MEANING, "signature": signature.id},
    )
    return order


def _check_order(
    act: Act, participant_id: str, visit: str, first_day: date, premedication: str
) -> None:
    _, protocol = protocol_of(act)
    participant = participant_verbs.find(act, participant_id)
    zone = ZoneInfo(participant_verbs.site_of(act, participant).zone)
    today = act.now.astimezone(zone).date()
    errors = {}
    if visit not in {known.code for known in protocol.visits if known.infusion}:
        errors["visit"] = "Choose a visit of the protocol that has an infusion."
    if not today <= first_day <= today + _FURTHEST:
        errors["first_day"] = "Choose a day from today on, at most 60 days ahead."
    if len(premedication.strip()) > 200:
        errors["premedication"] = "Keep it to 200 characters."
    if errors:
        raise BadForm(errors)
    if any(order.visit == visit for order in courses.orders_of(act.uow.session, participant_id)):
        raise Refusal("There is already a signed order for this visit.")


def _number(act: Act) -> str:
    """A prescription number that counts nothing: six random digits that no order has yet."""
    for _ in range(_DRAWS):
        drawn = int.from_bytes(act.surroundings.random_bytes("prescription number", 8)) % 10**6
        if not courses.number_taken(act.uow.session, f"{drawn:06d}"):
            return f"{drawn:06d}"
    raise Refusal("No free prescription number was found. Sign the order once more.")
