"""A protocol as tables that a person can read and sign: every field, and nothing computed.

Nobody signs a fingerprint. What the file says and these tables do not would be signed unread, so a
test changes each field and looks for the change here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from pharmacy.domain.protocol_parts import Factor, Protocol, RateStep, ReplacementRule, Visit
from pharmacy.domain.quantities import (
    format_grams,
    format_number,
    format_rate,
    format_volume,
    format_weight,
)

_NONE = "None"
_SPOKEN = {
    "nearest_ties_down": "to the nearest step; halfway goes down",
    "nearest_ties_up": "to the nearest step; halfway goes up",
    "down": "down to a step",
    "up": "up to a step",
    "actual": "actual",
    "ideal": "ideal",
    "adjusted": "adjusted",
    "adjusted_over_bmi": "adjusted over a body mass index",
    "skip": "skip the course",
    "dose_as_limit": "dose as at the limit",
    "begin": "infusion begun",
    "complete": "infusion completed",
}


@dataclass(frozen=True)
class Section:
    """One table of a protocol: headings, and rows of finished words."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def readable(protocol: Protocol) -> tuple[Section, ...]:
    """Every field of a protocol but its marked defaults, which are confirmed one by one."""
    found = (
        _study(protocol),
        _arms(protocol),
        _visits(protocol),
        _factors(protocol.factors),
        _dose(protocol),
        _weight(protocol),
        _ladder("Rate ladder, first infusion", protocol.rates.first),
        _ladder("Rate ladder, later infusions", protocol.rates.later),
        _rates(protocol),
        _limits(protocol),
        _times(protocol),
        _label(protocol),
        _replacement(protocol.replacement),
    )
    return tuple(section for section in found if section.rows)


def _facts(title: str, rows: Iterable[tuple[str, str]]) -> Section:
    return Section(title, ("What", "As the protocol says"), tuple(rows))


def _study(protocol: Protocol) -> Section:
    rows = [
        ("Code and version", f"{protocol.code}, version {protocol.version}"),
        ("Title", protocol.title),
        ("Sponsor", protocol.sponsor),
        ("Indication", protocol.indication),
    ]
    rows += [(f"Eligibility {n}", text) for n, text in enumerate(protocol.eligibility, start=1)]
    return _facts("Study", rows)


def _arms(protocol: Protocol) -> Section:
    rows = [
        (arm.name, arm.identity, "Active" if number == 0 else "Comparator")
        for number, arm in enumerate(protocol.arms)
    ]
    return Section("Arms", ("Arm", "What is given", "Kind"), tuple(rows))


def _visits(protocol: Protocol) -> Section:
    headers = ("Visit", "Day", "Window", "Phase", "Infusion")
    rows = tuple(_visit(protocol, visit) for visit in protocol.visits)
    return Section("Visits", headers, rows)


def _visit(protocol: Protocol, visit: Visit) -> tuple[str, ...]:
    phase = protocol.phase_of(visit)
    given = "Yes" if visit.infusion else "No"
    return (
        f"{visit.name} ({visit.code})",
        str(visit.day_offset),
        f"{visit.window_before_days} days before to {visit.window_after_days} after",
        f"{phase.name} ({phase.code}), {'blinded' if phase.blinded else 'not blinded'}",
        f"{given}, after its assessments are signed" if visit.assessments_first else given,
    )


def _factors(factors: tuple[Factor, ...]) -> Section:
    rows = tuple(
        (
            factor.code,
            factor.question,
            "; ".join(f"{level.label} ({level.code})" for level in factor.levels),
        )
        for factor in factors
    )
    return Section("Baseline factors", ("Factor", "Question", "Answers"), rows)


def _dose(protocol: Protocol) -> Section:
    product, dose, split = protocol.product, protocol.dose, protocol.split
    return _facts(
        "Product and dose",
        (
            ("Brand", product.brand),
            ("Strength", f"{format_number(product.concentration_g_per_ml)} g in each mL"),
            ("Dose", f"{format_number(dose.g_per_kg)} g for each kg of dosing weight"),
            ("Most for a course", format_grams(dose.cap_g) if dose.cap_g else _NONE),
            ("Rounding", f"{_SPOKEN[dose.rounding]} of {format_grams(dose.grid_g)}"),
            ("Rounding may change the dose by", f"{format_number(dose.tolerance_percent)}%"),
            ("Infusion days", str(split.days)),
            ("Infusion days, at risk", str(split.days_at_risk)),
            ("A bag is filled up to", format_volume(split.bag_fill_limit_ml)),
        ),
    )


def _weight(protocol: Protocol) -> Section:
    weight, dosing = protocol.weight, protocol.weight.dosing
    rows = [
        ("Least weight", format_weight(weight.minimum_kg)),
        ("Greatest weight", format_weight(weight.maximum_kg)),
        ("Age of a weighing", f"At most {weight.maximum_age_days} days"),
        ("A change that stops", f"{format_number(weight.change_stops_percent)}% or more"),
        (
            "Over the greatest weight, the investigator signs",
            " or ".join(_spoken(choice) for choice in weight.over_limit_choices),
        ),
        ("Dosing weight", _spoken(dosing.rule)),
    ]
    extra = (
        ("Adjustment factor", dosing.factor),
        ("Adjusted over a body mass index of", dosing.over_bmi),
        ("Adjusted from a height in cm of", dosing.from_height_cm),
        ("Adjusted over a weight in kg, men", dosing.male_over_kg),
        ("Adjusted over a weight in kg, women", dosing.female_over_kg),
    )
    rows += [(name, format_number(value)) for name, value in extra if value is not None]
    return _facts("Weight", rows)


def _ladder(title: str, steps: tuple[RateStep, ...]) -> Section:
    rows = tuple(
        (
            str(number),
            f"{format_number(step.rate_ml_per_kg_per_min)} mL/kg/min",
            f"{step.minutes} min" if step.minutes is not None else "To the end",
        )
        for number, step in enumerate(steps, start=1)
    )
    return Section(title, ("Step", "Rate", "For"), rows)


def _rates(protocol: Protocol) -> Section:
    rates, ceilings = protocol.rates, protocol.rates.ceilings
    site = ceilings.site_ml_per_hour
    return _facts(
        "Ceilings, pump and restart",
        (
            ("Ceiling of the product label", _per_kg(ceilings.label_ml_per_kg_per_min)),
            ("Ceiling for the indication", _per_kg(ceilings.indication_ml_per_kg_per_min)),
            ("Ceiling at risk", _per_kg(ceilings.risk_ml_per_kg_per_min)),
            ("Ceiling of the site", format_rate(site) if site is not None else _NONE),
            ("Ceiling of the pump", format_rate(ceilings.pump_ml_per_hour)),
            ("Step of the pump", format_rate(rates.pump_step_ml_per_hour)),
            ("The first ladder again after", f"A gap of {rates.first_after_gap_days} days"),
            ("The first ladder again for a new lot", _yes(rates.first_after_new_lot)),
            (
                "From the first step after a stop of",
                f"More than {rates.restart_from_first_after_min} min",
            ),
            ("Restart after a reaction", f"At {format_number(rates.restart_fraction)} of the rate"),
        ),
    )


def _limits(protocol: Protocol) -> Section:
    rows = tuple(
        (
            limit.product,
            f"{_spoken(limit.kind)} within {format_number(limit.hours)} h",
            limit.evidence,
        )
        for limit in protocol.limits
    )
    return Section("Time limits from pooling", ("Product", "Limit", "Evidence"), rows)


def _times(protocol: Protocol) -> Section:
    margins, runs, vitals = protocol.margins, protocol.runs, protocol.vitals
    flush, storage = protocol.flush, protocol.storage
    return _facts(
        "Times, flush and storage",
        (
            ("Preparation and check", f"{margins.preparation_min} min"),
            ("Wait for the run", f"{margins.wait_for_run_min} min"),
            ("Travel", f"{margins.travel_min} min"),
            ("Set-up", f"{margins.set_up_min} min"),
            ("Safety", f"{margins.safety_min} min"),
            ("Runs", ", ".join(f"{at:%H:%M}" for at in runs.times)),
            ("Runs in practice", f"Every {runs.practice_every_minutes} minutes"),
            ("Flush, both arms", f"{flush.fluid}, {format_volume(flush.volume_ml)}"),
            ("Storage", storage.text),
            (
                "Temperature",
                f"{format_number(storage.low_c)} to {format_number(storage.high_c)} °C",
            ),
            ("Vital signs after the start", f"{vitals.after_start_min} min"),
            ("Vital signs at each change of rate", _yes(vitals.at_each_rate_change)),
            ("Vital signs after the end", f"{vitals.after_end_min} min"),
        ),
    )


def _label(protocol: Protocol) -> Section:
    label = protocol.label
    rows = [
        ("Caution", label.caution),
        ("Product line, blinded", label.product_line_blinded),
        ("Product line, open label", label.product_line_open),
        ("Marking, blinded", label.marking_blinded),
        ("Marking, open label", label.marking_open),
        ("Route", label.route),
        ("Dosage form", label.dosage_form),
        ("Device", label.device),
        ("Next bag", label.next_bag),
        ("Later bag", label.later_bag),
    ]
    rows += [("Handling", text) for text in label.handling]
    rows += [("Warning", text) for text in label.warnings]
    return _facts("Words of the label", rows)


def _replacement(rule: ReplacementRule | None) -> Section:
    return _facts(
        "Replacement of participants",
        ()
        if rule is None
        else (
            ("Somebody who left may be replaced", _yes(rule.allowed)),
            ("Until a bag of this visit was started", rule.until_visit),
        ),
    )


def _per_kg(value: Decimal) -> str:
    return f"{format_number(value)} mL/kg/min"


def _yes(value: bool) -> str:
    return "Yes" if value else "No"


def _spoken(word: str) -> str:
    return _SPOKEN.get(word, word)
