"""A study with two sites in two zones and one baseline factor: four strata, a list for each.

It uses the second protocol of the tests. `own_rules` lays its list rules where the product looks
for those of a study.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from pharmacy.persistence import studies
from pharmacy.services import factors
from pharmacy.services import participants as participant_verbs
from pharmacy.services import studies as study_verbs
from pharmacy.services.studies import NewSite
from pharmacy.unblinded import study_files
from tests.support.builders import FIXED_RUNS, Trial
from tests.support.lit_builders import LitStudy, open_study

SECOND = Path(__file__).resolve().parents[1] / "data" / "second_protocol.toml"
FACTORS = """
[[factors]]
code = "age"
question = "Age at screening"
levels = [
    { code = "under_65", label = "Under 65 years" },
    { code = "from_65", label = "65 years or more" },
]
"""
RULES = """
study = "SECOND"
planned_enrolment = 40
rows_per_stratum = 12
exact_ratio = true

[[arms]]
arm = "globulin"
group = "1"
share = 1
product = "immune_globulin_5"

[[arms]]
arm = "dummy"
group = "2"
share = 1
product = "dextrose_5"

[blocks]
lengths = [4]

[[data_access_groups]]
number = "101"
site = "UAB"

[[data_access_groups]]
number = "102"
site = "VUMC"

[[strata]]
column = "age_group"
levels = ["1", "2"]
factor = "age"
factor_levels = ["under_65", "from_65"]
"""
PRODUCTS = """
study = "SECOND"

[[containers]]
key = "bag_1000"
name = "Empty container, 1,000 mL"
fill_limit_ml = 900

[[supplies]]
key = "immune_globulin_5"
arm = "globulin"
protocol_arm = "globulin"
draw = "whole"

[[supplies.products]]
key = "globulin_5_10g"
name = "Globulin 5%, 10 g in 200 mL"
volume_ml = 200
gtins = ["00368982840015"]

[[supplies]]
key = "dextrose_5"
arm = "dummy"
protocol_arm = "dummy"
draw = "part"

[[supplies.products]]
key = "dextrose_5_1000"
name = "Dextrose 5% for injection, 1,000 mL"
volume_ml = 1000
gtins = ["00303380017041"]
"""
SLOTS = 12
# Each stratum of the list by the site and the level that lead to it.
STRATA = {
    "101/1": ("UAB", "under_65"),
    "101/2": ("UAB", "from_65"),
    "102/1": ("VUMC", "under_65"),
    "102/2": ("VUMC", "from_65"),
}
DENVER = NewSite(
    code="VUMC",
    pharmacy_name="Front Range Home Infusion",
    pharmacy_address="900 Alpine Way, Denver CO 80202",
    pharmacy_phone="303-555-0142",
    unblinding_phone="303-555-0199",
    zone="America/Denver",
    investigator_name="B. Ortiz, MD",
    run_times=FIXED_RUNS,
)


def protocol_text() -> str:
    """The second protocol with a factor, dosed on the actual weight."""
    text = SECOND.read_text("utf-8")
    start = text.index("[weight.dosing]")
    dosing = text[start : text.index("\n[", start)]
    return text.replace(dosing, '[weight.dosing]\nrule = "actual"\n') + FACTORS


def table(groups: str = "211221122112") -> bytes:
    """An allocation table with the same groups in every stratum."""
    lines = ["redcap_randomization_group,redcap_data_access_group,age_group"]
    for stratum in STRATA:
        site, age = stratum.split("/")
        lines += [f"{group},{site},{age}" for group in groups]
    return "\r\n".join([*lines, ""]).encode()


@pytest.fixture
def own_rules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The lit room's files of a study, with those of the two sites among them."""
    folder = files_with(tmp_path / "study_files", RULES)
    monkeypatch.setattr(study_files, "_HERE", folder)
    return folder


def files_with(folder: Path, rules: str) -> Path:
    """A folder with the product's own files, and with products and list rules of the two sites."""
    for name, text in (("list_rules", rules), ("products", PRODUCTS)):
        shutil.copytree(study_files._HERE / name, folder / name, dirs_exist_ok=True)
        (folder / name / "second.toml").write_text(text, "utf-8")
    return folder


def open_two_sites(database_url: str, **how: object) -> LitStudy:
    """The study with its four lists loaded and its second site; needs `own_rules`."""
    study = open_study(
        database_url, protocol_text=protocol_text(), table=table(), **how  # type: ignore[arg-type]
    )
    study.trial.do("administrator", study_verbs.add_site, DENVER)
    return study


def site_id(trial: Trial, code: str) -> str:
    """A site's id by its code."""
    with trial.units.reading() as uow:
        found = studies.sites(uow.session, trial.study_id)
        return next(site.id for site in found if site.code == code)


def register_at(trial: Trial, code: str, site: str, age: str = "") -> str:
    """A weighed participant of a site, with the factor where `age` is given."""
    consent = trial.today() - timedelta(days=3)
    where = site_id(trial, site)
    made = trial.do("coordinator", participant_verbs.register, code, consent, where)
    trial.weigh(made.id)
    if age:
        trial.do("coordinator", factors.record, made.id, {"age": age})
    return str(made.id)


def eligible_in(study: LitStudy, code: str, stratum: str) -> str:
    """A participant whose request waits in a stratum, signed a minute before the next one."""
    participant_id = register_at(study.trial, code, *STRATA[stratum])
    study.trial.eligible(participant_id)
    study.trial.clock.move(minutes=1)
    return participant_id
