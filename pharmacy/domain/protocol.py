"""Reading a protocol: TOML text to a checked, frozen `Protocol`, or a `ProtocolError`.

A file is refused whole on its first fault, with the line, the field and the rule in one sentence.
Unknown fields are refused too, so that a misspelt rule is never passed over.
"""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from functools import lru_cache

from pharmacy.domain.protocol_fields import FieldPlaces, Fields, ProtocolError
from pharmacy.domain.protocol_parts import (
    Ceilings,
    DoseRule,
    DosingWeight,
    Factor,
    FactorLevel,
    Flush,
    Margins,
    Phase,
    Product,
    Protocol,
    RateRule,
    RateStep,
    ReplacementRule,
    Runs,
    SplitRule,
    Storage,
    StudyArm,
    TimeLimitRule,
    Visit,
    VitalsRule,
    WeightRule,
)
from pharmacy.domain.protocol_rules import check_whole
from pharmacy.domain.protocol_wording import read_label, read_marked_defaults

__all__ = ["Protocol", "ProtocolError", "Visit", "parse_protocol"]

ROUNDINGS = ("nearest_ties_down", "nearest_ties_up", "down", "up")
DOSING_RULES = ("actual", "ideal", "adjusted", "adjusted_over_bmi")
OVER_LIMIT_CHOICES = ("skip", "dose_as_limit", "actual")
LIMIT_KINDS = ("begin", "complete")
_FACTOR_CODE = re.compile(r"[a-z][a-z0-9_]{0,30}", re.ASCII)
_LEVEL_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,30}", re.ASCII)
_LONGEST_WORDS = 80


@lru_cache(maxsize=16)
def parse_protocol(toml_text: str) -> Protocol:
    """Read and check a protocol file; a text read before gives the same frozen value.

    `ProtocolError` (a `BadForm`) is raised for text that is not TOML, a missing, unknown or
    ill-formed field, and fields that contradict each other. Whether the longest plan fits the
    time limits is asked separately (`admitted.longest_plan_check`).
    """
    try:
        raw = tomllib.loads(toml_text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as wrong:
        raise ProtocolError("protocol", f"is not readable TOML: {wrong}") from None
    places = FieldPlaces(toml_text)
    fields = Fields(raw, "", places)
    protocol = Protocol(
        code=fields.text("code"),
        title=fields.text("title"),
        version=fields.text("version"),
        sponsor=fields.text("sponsor"),
        indication=fields.text("indication"),
        eligibility=fields.texts("eligibility"),
        arms=fields.tables("arms", _arm),
        phases=fields.tables("phases", _phase),
        visits=fields.tables("visits", _visit),
        product=fields.table("product", _product),
        dose=fields.table("dose", _dose),
        weight=fields.table("weight", _weight),
        split=fields.table("split", _split),
        rates=fields.table("rates", _rates),
        limits=fields.tables("limits", _limit),
        margins=fields.table("margins", _margins),
        runs=fields.table("runs", _runs),
        flush=fields.table("flush", _flush),
        storage=fields.table("storage", _storage),
        vitals=fields.table("vitals", _vitals),
        label=fields.table("label", read_label),
        marked_defaults=read_marked_defaults(fields, raw),
        factors=fields.tables("factors", _factor) if fields.has("factors") else (),
        replacement=fields.table("replacement", _replacement)
        if fields.has("replacement")
        else None,
    )
    fields.close()
    check_whole(protocol, Fields({}, "", places))
    return protocol


def _arm(fields: Fields) -> StudyArm:
    return StudyArm(name=fields.text("name"), identity=fields.text("identity"))


def _phase(fields: Fields) -> Phase:
    return Phase(
        code=fields.text("code"), name=fields.text("name"), blinded=fields.flag("blinded")
    )


def _visit(fields: Fields) -> Visit:
    return Visit(
        code=fields.text("code"),
        name=fields.text("name"),
        day_offset=fields.count("day_offset", 0, 3650),
        window_before_days=fields.count("window_before_days", 0, 60),
        window_after_days=fields.count("window_after_days", 0, 60),
        phase=fields.text("phase"),
        infusion=fields.flag("infusion"),
        assessments_first=fields.flag("assessments_first", default=False),
    )


def _factor(fields: Fields) -> Factor:
    code = fields.text("code")
    if not _FACTOR_CODE.fullmatch(code):
        raise fields.error("code", "must be 1 to 31 of a-z, 0-9 and _, a letter first")
    return Factor(
        code=code,
        question=_short_words(fields, "question"),
        levels=fields.tables("levels", _factor_level),
    )


def _factor_level(fields: Fields) -> FactorLevel:
    code = fields.text("code")
    if not _LEVEL_CODE.fullmatch(code):
        raise fields.error("code", "must be 1 to 31 letters, digits and . _ -")
    return FactorLevel(code=code, label=_short_words(fields, "label"))


def _replacement(fields: Fields) -> ReplacementRule:
    return ReplacementRule(
        allowed=fields.flag("allowed"), until_visit=fields.text("until_visit")
    )


def _short_words(fields: Fields, name: str) -> str:
    words = fields.text(name)
    if len(words) > _LONGEST_WORDS:
        raise fields.error(name, f"may not be longer than {_LONGEST_WORDS} characters")
    return words


def _product(fields: Fields) -> Product:
    return Product(
        brand=fields.text("brand"),
        concentration_g_per_ml=fields.number("concentration_g_per_ml"),
    )


def _dose(fields: Fields) -> DoseRule:
    return DoseRule(
        g_per_kg=fields.number("g_per_kg"),
        cap_g=fields.optional_number("cap_g"),
        grid_g=fields.number("grid_g"),
        rounding=fields.choice("rounding", ROUNDINGS),
        tolerance_percent=fields.number("tolerance_percent", zero=True),
    )


def _weight(fields: Fields) -> WeightRule:
    choices = fields.texts("over_limit_choices")
    if not set(choices) <= set(OVER_LIMIT_CHOICES):
        raise fields.error(
            "over_limit_choices", f"may only name {', '.join(OVER_LIMIT_CHOICES)}"
        )
    return WeightRule(
        minimum_kg=fields.number("minimum_kg"),
        maximum_kg=fields.number("maximum_kg"),
        maximum_age_days=fields.count("maximum_age_days", 0, 60),
        change_stops_percent=fields.number("change_stops_percent"),
        over_limit_choices=choices,
        dosing=fields.table("dosing", _dosing_weight),
    )


def _dosing_weight(fields: Fields) -> DosingWeight:
    rule = fields.choice("rule", DOSING_RULES)
    over_bmi = rule == "adjusted_over_bmi"
    return DosingWeight(
        rule=rule,
        factor=fields.number("factor") if rule.startswith("adjusted") else None,
        over_bmi=fields.number("over_bmi") if over_bmi else None,
        from_height_cm=fields.number("from_height_cm") if over_bmi else None,
        male_over_kg=fields.number("male_over_kg") if over_bmi else None,
        female_over_kg=fields.number("female_over_kg") if over_bmi else None,
    )


def _split(fields: Fields) -> SplitRule:
    return SplitRule(
        days=fields.count("days", 1, 10),
        days_at_risk=fields.count("days_at_risk", 1, 10),
        bag_fill_limit_ml=fields.number("bag_fill_limit_ml"),
    )


def _step(fields: Fields) -> RateStep:
    return RateStep(
        rate_ml_per_kg_per_min=fields.number("rate_ml_per_kg_per_min"),
        minutes=fields.count("minutes", 1, 240) if fields.has("minutes") else None,
    )


def _ceilings(fields: Fields) -> Ceilings:
    return Ceilings(
        label_ml_per_kg_per_min=fields.number("label_ml_per_kg_per_min"),
        indication_ml_per_kg_per_min=fields.number("indication_ml_per_kg_per_min"),
        risk_ml_per_kg_per_min=fields.number("risk_ml_per_kg_per_min"),
        site_ml_per_hour=fields.optional_number("site_ml_per_hour"),
        pump_ml_per_hour=fields.number("pump_ml_per_hour"),
    )


def _rates(fields: Fields) -> RateRule:
    return RateRule(
        first=fields.tables("first", _step),
        later=fields.tables("later", _step),
        ceilings=fields.table("ceilings", _ceilings),
        pump_step_ml_per_hour=fields.number("pump_step_ml_per_hour"),
        first_after_gap_days=fields.count("first_after_gap_days", 1, 3650),
        first_after_new_lot=fields.flag("first_after_new_lot"),
        restart_from_first_after_min=fields.count("restart_from_first_after_min", 0, 480),
        restart_fraction=fields.number("restart_fraction"),
    )


def _limit(fields: Fields) -> TimeLimitRule:
    return TimeLimitRule(
        product=fields.text("product"),
        kind=fields.choice("kind", LIMIT_KINDS),
        hours=fields.number("hours"),
        evidence=fields.text("evidence"),
    )


def _margins(fields: Fields) -> Margins:
    return Margins(
        preparation_min=fields.count("preparation_min", 0, 1440),
        wait_for_run_min=fields.count("wait_for_run_min", 0, 1440),
        travel_min=fields.count("travel_min", 0, 1440),
        set_up_min=fields.count("set_up_min", 0, 1440),
        safety_min=fields.count("safety_min", 0, 1440),
    )


def _runs(fields: Fields) -> Runs:
    every = fields.count("practice_every_minutes", 1, 1440)
    if 1440 % every:
        raise fields.error("practice_every_minutes", "must divide a day without remainder")
    return Runs(times=fields.times("times"), practice_every_minutes=every)


def _flush(fields: Fields) -> Flush:
    return Flush(fluid=fields.text("fluid"), volume_ml=fields.number("volume_ml"))


def _storage(fields: Fields) -> Storage:
    low_c, high_c = fields.number("low_c", zero=True), fields.number("high_c")
    if low_c >= high_c:
        raise fields.error("high_c", "must be above low_c")
    return Storage(low_c=low_c, high_c=high_c, text=fields.text("text"))


def _vitals(fields: Fields) -> VitalsRule:
    return VitalsRule(
        after_start_min=fields.count("after_start_min", 1, 240),
        at_each_rate_change=fields.flag("at_each_rate_change"),
        after_end_min=fields.count("after_end_min", 0, 240),
    )
