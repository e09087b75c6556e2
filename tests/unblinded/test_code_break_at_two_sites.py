"""A code broken in a study of several sites: telephones and clock are of the person's own site."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import Refusal
from pharmacy.unblinded import allocation
from pharmacy.unblinded.code_break import breaking, own_keys
from pharmacy.unblinded.tables import BreakShare
from tests.support.lit_builders import LitStudy
from tests.support.strata_builders import PRODUCTS, eligible_in, open_two_sites, own_rules

__all__ = ["own_rules"]
IN_ALABAMA, IN_COLORADO = "205-555-0142", "303-555-0142"


@pytest.fixture
def study(sqlite_url: str, own_rules: Path) -> LitStudy:
    """One participant with a place at each site, and an investigator with shares of both."""
    assert own_rules.is_dir()
    made = open_two_sites(sqlite_url)
    for code, stratum in (("S-001", "101/1"), ("S-002", "102/1")):
        eligible_in(made, code, stratum)
        made.do("pharmacist", allocation.serve_oldest)
    made.enrol_breaker()
    return made


def participant_id(study: LitStudy, code: str) -> str:
    with study.trial.look("investigator") as act:
        return next(one.id for one in breaking.choices(act) if one.code == code)


@pytest.mark.parametrize(
    ("code", "phone", "zone"), [("S-001", IN_ALABAMA, "CST"), ("S-002", IN_COLORADO, "MST")]
)
def test_the_answer_names_the_participants_own_site(
    study: LitStudy, code: str, phone: str, zone: str
) -> None:
    answer = study.break_code(participant_id(study, code))
    assert answer.pharmacy_phone == phone
    assert answer.moment.endswith(zone)
    assert answer.clock == answer.moment.split()[3]


def test_halves_that_do_not_fit_name_the_pharmacist_of_the_persons_site(study: LitStudy) -> None:
    with study.trial.engine.begin() as connection:
        connection.execute(sa.update(BreakShare).values(kept_half=sa.func.zeroblob(sa.func.length(BreakShare.kept_half))))
    for code, phone in (("S-001", IN_ALABAMA), ("S-002", IN_COLORADO)):
        with pytest.raises(Refusal, match=f"^Your keys do not open .*{phone}"):
            study.break_code(participant_id(study, code))
    with study.trial.look("investigator") as act:
        assert own_keys.pharmacy_phone(act) == IN_ALABAMA


def test_a_drill_finds_products_that_no_longer_fit_the_protocol(
    study: LitStudy, own_rules: Path
) -> None:
    """What would stop a break at night stops the drill by day, and names what is wrong."""
    assert study.drill().name == "Ana Rivera"
    (own_rules / "products" / "second.toml").write_text(
        PRODUCTS.replace('protocol_arm = "dummy"', 'protocol_arm = "placebo"'), "utf-8"
    )
    with pytest.raises(Refusal, match="do not name the same arms"):
        study.drill()
