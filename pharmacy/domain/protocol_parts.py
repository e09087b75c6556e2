"""What a protocol consists of, as frozen values. `protocol.parse_protocol` makes them.

Every clinical number of a study is one of these fields, read from dated, approved data; none is
a constant in code. Block lengths, ratio and list size are not here: they are concealed from
blinded people, and a protocol is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class StudyArm:
    """One arm by name, with the product identity that the either/or line prints.

    The first arm of a protocol is the one with the active product.
    """

    name: str
    identity: str


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the study, blinded or open label."""

    code: str
    name: str
    blinded: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """A planned visit; days count from the allocation."""

    code: str
    name: str
    day_offset: int
    window_before_days: int
    window_after_days: int
    phase: str
    infusion: bool
    assessments_first: bool


@dataclass(frozen=True, slots=True)
class Product:
    """The active product that fixes strength and volume in both arms."""

    brand: str
    concentration_g_per_ml: Decimal


@dataclass(frozen=True, slots=True)
class DoseRule:
    """Grams per kilogram, the grid they are rounded to, and how far rounding may go."""

    g_per_kg: Decimal
    cap_g: Decimal | None
    grid_g: Decimal
    rounding: str
    tolerance_percent: Decimal


@dataclass(frozen=True, slots=True)
class DosingWeight:
    """Which weight the dose counts on: `actual`, `ideal`, `adjusted` or `adjusted_over_bmi`.

    The last field group is only set where the rule needs it; outside its heights and weights
    the formula does not hold and the actual weight is used. So it is wherever the formula says
    more than the scale.
    """

    rule: str
    factor: Decimal | None
    over_bmi: Decimal | None
    from_height_cm: Decimal | None
    male_over_kg: Decimal | None
    female_over_kg: Decimal | None


@dataclass(frozen=True, slots=True)
class WeightRule:
    """When a measured weight may be dosed on; over the limit the investigator signs a choice."""

    minimum_kg: Decimal
    maximum_kg: Decimal
    maximum_age_days: int
    change_stops_percent: Decimal
    over_limit_choices: tuple[str, ...]
    dosing: DosingWeight


@dataclass(frozen=True, slots=True)
class SplitRule:
    """Over how many infusion days a course goes, and how full a bag may be."""

    days: int
    days_at_risk: int
    bag_fill_limit_ml: Decimal


@dataclass(frozen=True, slots=True)
class RateStep:
    """One step of an ordered ladder; the last one has no minutes and runs to the end."""

    rate_ml_per_kg_per_min: Decimal
    minutes: int | None


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The five bounds of a rate; the site may have none."""

    label_ml_per_kg_per_min: Decimal
    indication_ml_per_kg_per_min: Decimal
    risk_ml_per_kg_per_min: Decimal
    site_ml_per_hour: Decimal | None
    pump_ml_per_hour: Decimal


@dataclass(frozen=True, slots=True)
class RateRule:
    """The ladders, what bounds them, and when a course counts as a first infusion."""

    first: tuple[RateStep, ...]
    later: tuple[RateStep, ...]
    ceilings: Ceilings
    pump_step_ml_per_hour: Decimal
    first_after_gap_days: int
    first_after_new_lot: bool
    restart_from_first_after_min: int
    restart_fraction: Decimal


@dataclass(frozen=True, slots=True)
class TimeLimitRule:
    """One limit counted from the notional pooling time; `kind` is `begin` or `complete`."""

    product: str
    kind: str
    hours: Decimal
    evidence: str


@dataclass(frozen=True, slots=True)
class Margins:
    """Minutes between the notional pooling time and the end of the infusion, besides it."""

    preparation_min: int
    wait_for_run_min: int
    travel_min: int
    set_up_min: int
    safety_min: int


@dataclass(frozen=True, slots=True)
class Runs:
    """Site times of preparation and release; a practice study runs every few minutes."""

    times: tuple[time, ...]
    practice_every_minutes: int


@dataclass(frozen=True, slots=True)
class Flush:
    """The one flush fluid of the study, the same in both arms."""

    fluid: str
    volume_ml: Decimal


@dataclass(frozen=True, slots=True)
class Storage:
    """The temperature range in degrees Celsius and the words for it."""

    low_c: Decimal
    high_c: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class VitalsRule:
    """When vital signs are due at the bedside, in minutes."""

    after_start_min: int
    at_each_rate_change: bool
    after_end_min: int


@dataclass(frozen=True, slots=True)
class LabelWording:
    """The words a label carries; the same in both arms, with product lines by phase."""

    caution: str
    product_line_blinded: str
    product_line_open: str
    marking_blinded: str
    marking_open: str
    route: str
    dosage_form: str
    device: str
    next_bag: str
    later_bag: str
    handling: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MarkedDefault:
    """A placeholder that must be confirmed by signature before the study goes live.

    `settings` are pairs of field path and value, as they stand in the file; `source` is where the
    values come from, empty where the file does not say.
    """

    item: str
    settings: tuple[tuple[str, str], ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class FactorLevel:
    """One answer to a factor's question."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Factor:
    """A baseline fact of every participant, known before the place, and the answers it may have."""

    code: str
    question: str
    levels: tuple[FactorLevel, ...]

    def label_of(self, code: str) -> str:
        """The words of a level; an unknown code as it stands."""
        return next((level.label for level in self.levels if level.code == code), code)


@dataclass(frozen=True, slots=True)
class ReplacementRule:
    """Whether somebody who left may be replaced, and until a bag of which visit was started."""

    allowed: bool
    until_visit: str


@dataclass(frozen=True, slots=True)
class Protocol:
    """A whole protocol, checked. Look visits and phases up through its methods."""

    code: str
    title: str
    version: str
    sponsor: str
    indication: str
    eligibility: tuple[str, ...]
    arms: tuple[StudyArm, ...]
    phases: tuple[Phase, ...]
    visits: tuple[Visit, ...]
    product: Product
    dose: DoseRule
    weight: WeightRule
    split: SplitRule
    rates: RateRule
    limits: tuple[TimeLimitRule, ...]
    margins: Margins
    runs: Runs
    flush: Flush
    storage: Storage
    vitals: VitalsRule
    label: LabelWording
    marked_defaults: tuple[MarkedDefault, ...]
    factors: tuple[Factor, ...] = ()
    replacement: ReplacementRule | None = None

    def find_visit(self, code: str) -> Visit | None:
        """The visit with this code, or None."""
        return next((visit for visit in self.visits if visit.code == code), None)

    def phase_of(self, visit: Visit) -> Phase:
        """The phase a visit belongs to (parsing has made sure that it exists)."""
        return next(phase for phase in self.phases if phase.code == visit.phase)

    def infusion_visits(self) -> tuple[Visit, ...]:
        """The visits with an infusion, in order."""
        return tuple(visit for visit in self.visits if visit.infusion)
