"""`plan`: a dose plan from a protocol file and a weight, with no configuration or database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from pharmacy.domain.dose_plan import DosePlan
from pharmacy.domain.dosing import plan
from pharmacy.domain.dosing_weight import Body
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.history import on_schedule
from pharmacy.domain.protocol import Protocol, parse_protocol
from pharmacy.domain.protocol_fields import ProtocolError
from pharmacy.domain.quantities import parse_height_cm, parse_weight_kg, plain
from pharmacy.domain.time_limits import need_fits


@click.command("plan")
@click.option("--protocol", "path", required=True, metavar="FILE", help="The protocol (TOML).")
@click.option("--weight", required=True, metavar="KG", help="Body weight in kg, like 70.5.")
@click.option("--risk", is_flag=True, help="The participant is in the at-risk group.")
@click.option("--visit", metavar="CODE", help="The visit; the first with an infusion by default.")
@click.option("--height", metavar="CM", help="Height, where the protocol adjusts the weight.")
@click.option("--sex", metavar="M|F", help="Sex, where the protocol adjusts the weight.")
@click.option(
    "--over-limit",
    type=click.Choice(["skip", "dose_as_limit", "actual"]),
    help="What the investigator signs for a weight over the protocol's limit.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the arithmetic.")
def plan_command(
    path: str,
    weight: str,
    risk: bool,
    visit: str | None,
    height: str | None,
    sex: str | None,
    over_limit: str | None,
    as_json: bool,
) -> None:
    """Show the dose plan of one course and its arithmetic; the same plan serves both arms.

    Earlier courses are taken as given on their due days. A refusal ends with status 1 and one
    sentence on standard error.
    """
    try:
        protocol = read_protocol(path)
        found = _plan(protocol, weight, risk, visit, _body(height, sex), over_limit)
        need_fits(found, protocol)
    except (BadForm, Refusal) as refused:
        click.echo(str(refused), err=True)
        raise SystemExit(1) from None
    if as_json:
        click.echo(json.dumps(plan_as_json(found), indent=2))
    else:
        click.echo("\n".join(found.arithmetic))


def read_protocol(path: str) -> Protocol:
    """Read and check a protocol file; `ProtocolError` also when it cannot be read."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as wrong:
        raise ProtocolError(path, f"cannot be read ({wrong.strerror}).") from None
    except UnicodeDecodeError:
        raise ProtocolError(path, "is not UTF-8 text.") from None
    return parse_protocol(text)


def _plan(
    protocol: Protocol,
    weight: str,
    risk: bool,
    code: str | None,
    body: Body | None,
    over_limit: str | None,
) -> DosePlan:
    weight_kg = parse_weight_kg(weight)
    code = code or protocol.infusion_visits()[0].code
    visit = protocol.find_visit(code) or protocol.infusion_visits()[0]
    history = on_schedule(protocol, visit)
    return plan(weight_kg, protocol, code, risk, history, body=body, over_limit=over_limit)


def _body(height: str | None, sex: str | None) -> Body | None:
    if height is None and sex is None:
        return None
    height_cm = parse_height_cm(height or "")
    if sex not in ("M", "F"):
        raise BadForm({"sex": "Type the sex as M or F."})
    return Body(height_cm=height_cm, sex=sex)


def plan_as_json(found: DosePlan) -> dict[str, Any]:
    """The published shape of a plan: counts as integers, quantities as plain decimal text."""
    return {
        "course_g": plain(found.course_g),
        "course_g_exact": plain(found.course_g_exact),
        "course_ml": plain(found.course_ml),
        "days": [
            {
                "day": day.day,
                "grams": plain(day.grams),
                "volume_ml": plain(day.volume_ml),
                "duration_min": day.duration_min,
                "duration_min_exact": plain(day.duration_min_exact),
            }
            for day in found.days
        ],
        "bags": [
            {"day": bag.day, "number": bag.number, "volume_ml": plain(bag.volume_ml)}
            for bag in found.bags
        ],
        "ladder": [
            {
                "start_min": step.start_min,
                "rate_ml_per_kg_per_min": plain(step.rate_ml_per_kg_per_min),
                "rate_ml_per_hour": plain(step.rate_ml_per_hour),
                "rate_ml_per_hour_exact": plain(step.rate_ml_per_hour_exact),
            }
            for step in found.ladder
        ],
        "limited_by": found.limited_by,
    }
