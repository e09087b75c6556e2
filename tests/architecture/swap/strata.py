"""A second study's part of the script: two sites, one baseline factor, a list in four strata.

It stands at the end, so that the first study's part is the same with and without it. The world's
arms stand in every stratum of its list.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pharmacy.domain.roles import Role
from pharmacy.services import people as people_verbs
from pharmacy.unblinded import allocation, study_files
from tests.architecture.swap.browser import Browser
from tests.support.builders import FIXED_RUNS, PASSWORD, add_person, add_study
from tests.support.lit_builders import HOLDERS, LitStudy
from tests.support.strata_builders import DENVER, RULES, files_with, protocol_text, table

if TYPE_CHECKING:
    from tests.architecture.swap.script import Journey

_UNBLINDED = {
    "statistician": Role.STATISTICIAN,
    "pharmacist": Role.PHARMACIST,
    "pharmacist2": Role.PHARMACIST,
    "checker": Role.CHECKER,
}
_BLINDED = {
    "north": ("Nora North", Role.COORDINATOR),
    "south": ("Sven South", Role.INVESTIGATOR),
}
# Any arms in any order follow these.
_ANY_ARMS = RULES.replace("exact_ratio = true", "exact_ratio = false").replace(
    "[blocks]\nlengths = [4]\n", ""
)


def work(journey: Journey) -> None:
    """From the second site to a correction after the place, refusals among it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_files, "_HERE", files_with(journey.folder / "study_files", _ANY_ARMS))
        study = _open(journey)
        coordinator, investigator = journey.passing("north"), journey.passing("south")
        _add_site(journey, study)
        first = _register(study, coordinator, "N-001", "VUMC")
        second = _register(study, coordinator, "N-002", "UAB")
        investigator.open(f"{first}/eligibility")
        investigator.fill("/eligibility", password=PASSWORD, expect=409)
        for page, age in ((first, "under_65"), (second, "from_65")):
            coordinator.open(f"{page}/factors")
            coordinator.fill("/factors", expect=400)
            coordinator.fill("/factors", factor_age=age)
            _sign(investigator, page)
        _correct(coordinator, second, "under_65")
        _sign(investigator, second)
        for _ in range(2):
            study.do("pharmacist", allocation.serve_oldest)
        for page in (first, second):
            _correct(coordinator, page, "from_65")
        _correct(coordinator, first, "from_65", expect=409)
        for reader in (coordinator, investigator):
            reader.open(first)
            reader.open(f"/study/{study.study_id}/participants")
            reader.open(f"/study/{study.study_id}/trail")


def _open(journey: Journey) -> LitStudy:
    """The study with its people, keys and list."""
    trial = replace(journey.study.trial, ids=dict(journey.study.trial.ids))
    trial.study_id = add_study(trial, protocol_text(), FIXED_RUNS)
    with trial.act("administrator") as act:
        for who, role in _UNBLINDED.items():
            people_verbs.give_roles(act, trial.ids[who], trial.study_id, frozenset({role}))
    for who, (full_name, role) in _BLINDED.items():
        trial.ids[who] = add_person(trial, who, full_name, role)
    study = LitStudy(trial, dict(journey.study.passphrases))
    study.found()
    for who in HOLDERS:
        study.grant(who)
    study.load(table=table(journey.world.arms))
    return study


def _add_site(journey: Journey, study: LitStudy) -> None:
    admin = journey.passing("admin")
    admin.open(f"/study/{study.study_id}")
    admin.open(f"/study/{study.study_id}/sites/add")
    typed = {name: getattr(DENVER, name) for name in DENVER.__dataclass_fields__}
    admin.fill("/sites/add", **{**typed, "zone": "Mountain"}, expect=400)
    admin.fill("/sites/add", **typed)
    admin.open("/studies")


def _register(study: LitStudy, coordinator: Browser, code: str, site: str) -> str:
    """The participant's page."""
    coordinator.open(f"/study/{study.study_id}/participants/new")
    coordinator.fill("/new", code=code, consented_on="2026-03-01", expect=400)
    chosen = coordinator.find(rf"[0-9a-f]{{32}}(?=\">{site}:)")
    coordinator.fill("/new", code=code, consented_on="2026-03-01", site=chosen)
    page = coordinator.at
    coordinator.open(f"{page}/weight")
    on = study.trial.today().isoformat()
    coordinator.fill("/weight", weight_kg="70", measured_by="NN", measured_on=on)
    return page


def _sign(investigator: Browser, page: str) -> None:
    investigator.open(f"{page}/eligibility")
    investigator.fill("/eligibility", password=PASSWORD)


def _correct(coordinator: Browser, page: str, age: str, expect: int = 200) -> None:
    """A correction; one that changes nothing is refused."""
    coordinator.open(f"{page}/factors")
    coordinator.fill("/factors", factor_age=age, reason="source", expect=expect)
