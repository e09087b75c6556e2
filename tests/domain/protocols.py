"""The two protocols of the tests, their altered copies, and a plan in one word."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path

from pharmacy.domain.dose_plan import DosePlan
from pharmacy.domain.dosing import plan
from pharmacy.domain.dosing_weight import Body
from pharmacy.domain.history import on_schedule
from pharmacy.domain.protocol import Protocol, parse_protocol

ROOT = Path(__file__).resolve().parents[2]
MIGHT_FILE = ROOT / "pharmacy" / "protocols" / "might.toml"
SECOND_FILE = ROOT / "tests" / "data" / "second_protocol.toml"
# Only read where a protocol does not dose on the actual weight.
BODY = Body(height_cm=Decimal(170), sex="M")


@cache
def might_text() -> str:
    return MIGHT_FILE.read_text(encoding="utf-8")


@cache
def might() -> Protocol:
    return parse_protocol(might_text())


@cache
def second() -> Protocol:
    return parse_protocol(SECOND_FILE.read_text(encoding="utf-8"))


def altered_text(old: str, new: str) -> str:
    """MIGHT with one passage changed; the passage must stand in the file."""
    assert old in might_text(), old
    return might_text().replace(old, new, 1)


def altered(old: str, new: str) -> Protocol:
    return parse_protocol(altered_text(old, new))


def plan_for(
    weight: str | Decimal,
    at_risk: bool = False,
    visit: str = "W0",
    protocol: Protocol | None = None,
) -> DosePlan:
    """The plan of someone who has had every earlier course on its day."""
    protocol = protocol or might()
    planned = protocol.find_visit(visit)
    assert planned is not None
    history = on_schedule(protocol, planned)
    return plan(Decimal(weight), protocol, visit, at_risk, history, body=BODY)
