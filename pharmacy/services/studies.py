"""Making a study with its first site, adding sites, and finding one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from pharmacy.domain.admitted import longest_plan_check
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.protocol import Protocol, ProtocolError, parse_protocol
from pharmacy.domain.roles import Permission
from pharmacy.domain.runs import RunRule, parse_run_rule
from pharmacy.domain.site_time import format_moment
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import audit, studies
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.persistence.studies import ProtocolVersion, Site, Study
from pharmacy.services import site_texts, stages
from pharmacy.services.act import Act
from pharmacy.services.label_fit import need_protocol_fits

_SHIPPED = Path(__file__).parents[1] / "protocols"
_PRACTICE_ONLY = "This is the practice installation. A live study is made in another one."
_MODES = ("practice", "live")

# What the columns hold; how much a label holds is asked of the labels.
_LONGEST = {
    "pharmacy_name": 80,
    "pharmacy_address": 120,
    "investigator_name": 80,
    "pharmacy_phone": 30,
    "unblinding_phone": 30,
    "sponsor_phone": 30,
    "run_times": 120,
    "zone": 60,
}
_ON_LABELS = {
    "pharmacy_name": "pharmacy_name",
    "pharmacy_address": "pharmacy_address",
    "pharmacy_phone": "pharmacy_phone",
    "unblinding_phone": "unblinding_phone",
    "investigator_name": "investigator",
}
_RUNS_HINT = 'Type times of the day in order, such as "09:00, 13:00", or "every 5 minutes".'


@dataclass(frozen=True)
class NewSite:
    """What the form says of a site, as typed."""

    code: str
    pharmacy_name: str
    pharmacy_address: str
    pharmacy_phone: str
    unblinding_phone: str
    zone: str
    investigator_name: str
    run_times: str
    sponsor_phone: str = ""


@dataclass(frozen=True)
class ShippedProtocol:
    """A protocol file that came with the program: the name to choose it by, and its title."""

    name: str
    title: str


@dataclass(frozen=True)
class StudyFacts:
    """A study in finished words; `site` is the first of its `sites` by code."""

    study_id: str
    code: str
    title: str
    mode: str
    live: bool
    made: str
    protocol_version: str
    site: Site
    sites: tuple[Site, ...]


def shipped_protocols() -> tuple[ShippedProtocol, ...]:
    """The protocols that came with the program, by file name."""
    found = [(path.stem, parse_protocol(path.read_text("utf-8"))) for path in _shipped_files()]
    return tuple(
        ShippedProtocol(name, f"{protocol.code} {protocol.version}: {protocol.title}")
        for name, protocol in found
    )


def shipped_text(name: str) -> str:
    """The text of a shipped protocol; a name that was not offered is `BadForm`."""
    for path in _shipped_files():
        if path.stem == name:
            return path.read_text("utf-8")
    raise BadForm({"protocol": "Choose a protocol of the list."})


def list_studies(act: Act) -> list[StudyFacts]:
    """Every study of the installation, by code."""
    act.permit(Permission.ADMINISTER)
    return [_facts(act, study) for study in studies.all_studies(act.uow.session)]


def study_facts(act: Act) -> StudyFacts:
    """The act's study."""
    act.permit(Permission.ADMINISTER)
    return _facts(act, act.in_study)


def make_study(
    act: Act, mode: str, protocol_text: str, site: NewSite, *, practice_only: bool = False
) -> Study:
    """Make a study from a protocol's text, with its first site.

    A code may be had twice, for practice and live. A live study is made to be prepared: nobody
    takes part before it has gone live; where `practice_only`, it is refused (409). A protocol that
    does not parse, cannot keep its own time limits or has no room on a label, a site that cannot
    be read, without the sponsor's telephone in a live study, and a text that no label can carry
    are `BadForm`.
    """
    act.permit(Permission.ADMINISTER)
    if mode not in _MODES:
        raise BadForm({"mode": "Choose practice or live."})
    if mode == "live" and practice_only:
        raise Refusal(_PRACTICE_ONLY)
    protocol = _read_protocol(protocol_text)
    site = _as_stored(site)
    _check_site(site, live=mode == "live")
    _check_labels(protocol, site)
    if studies.by_code(act.uow.session, protocol.code, mode):
        raise BadForm({"protocol": f"There is already a {mode} study of {protocol.code}."})
    study = Study(
        id=act.new_id("study"),
        code=protocol.code,
        title=protocol.title,
        mode=mode,
        made_at=act.now,
    )
    act.uow.session.add(study)
    act.uow.session.flush()
    version = ProtocolVersion(
        id=act.new_id("protocol version"),
        study_id=study.id,
        version=protocol.version,
        toml_text=protocol_text,
        sha256=hashlib.sha256(protocol_text.encode()).digest(),
        added_at=act.now,
    )
    act.uow.session.add_all([version, _site_row(act, study, site)])
    audit.open_trail(act.uow.session, study.id)
    act.uow.record(
        INSTALLATION,
        "study_made",
        person_id=act.person.id,
        subject=f"study:{study.id}",
        new={
            "code": study.code,
            "mode": mode,
            "protocol": protocol.version,
            "protocol_sha256": version.sha256.hex(),
            "site": asdict(site),
        },
    )
    return study


def add_site(act: Act, site: NewSite) -> Site:
    """Add another site to the act's study.

    Its code is the one by which the list rules name the site's data access group. A site that
    cannot be read, a text that no label can carry and a code that the study has are `BadForm`.
    """
    act.permit(Permission.ADMINISTER)
    stages.admit(act, StudyAct.KEEP)
    session, study = act.uow.session, act.in_study
    site = _as_stored(site)
    _check_site(site, live=not study.practice)
    _check_labels(protocol_of(act)[1], site)
    if site.code in {known.code for known in studies.sites(session, study.id)}:
        raise BadForm({"code": f"{study.code} has a site with the code {site.code} already."})
    row = _site_row(act, study, site)
    session.add(row)
    act.uow.record(
        INSTALLATION,
        "site_added",
        person_id=act.person.id,
        subject=f"study:{study.id}",
        new={"code": study.code, "site": asdict(site)},
    )
    return row


def protocol_of(act: Act) -> tuple[ProtocolVersion, Protocol]:
    """The newest protocol version of the act's study, as stored and as read."""
    version = studies.current_protocol(act.uow.session, act.in_study.id)
    return version, parse_protocol(version.toml_text)


def run_rule(site: Site) -> RunRule:
    """When runs take place at a site."""
    return parse_run_rule(site.run_times)


def _read_protocol(text: str) -> Protocol:
    try:
        return _keeps_its_limits(text)
    except ProtocolError as error:
        raise BadForm({"protocol": str(error)}) from None


@cache
def _keeps_its_limits(text: str) -> Protocol:
    """A protocol whose plans all end within its time limits and stand on the labels, or a
    `ProtocolError`."""
    protocol = parse_protocol(text)
    longest_plan_check(protocol)
    need_protocol_fits(protocol)
    return protocol


def _as_stored(site: NewSite) -> NewSite:
    """The site without stray spaces, its code in capitals."""
    plain = {field.name: " ".join(getattr(site, field.name).split()) for field in fields(site)}
    return replace(NewSite(**plain), code=plain["code"].upper())


def _check_labels(protocol: Protocol, site: NewSite) -> None:
    """Refuse now what a label could not carry later (A25)."""
    texts = {label: getattr(site, name) for name, label in _ON_LABELS.items()}
    wrong = site_texts.too_long({**texts, "protocol_code": protocol.code})
    form_names = {label: name for name, label in _ON_LABELS.items()} | {"protocol_code": "protocol"}
    if wrong:
        raise BadForm({form_names[label]: sentence for label, sentence in wrong.items()})


def _check_site(site: NewSite, *, live: bool) -> None:
    errors: dict[str, str] = {}
    phones = ["pharmacy_phone", "unblinding_phone"]
    if live or site.sponsor_phone:
        phones.append("sponsor_phone")
    for name, most in _LONGEST.items():
        text = getattr(site, name)
        if name == "sponsor_phone" and name not in phones:
            continue
        if not 2 <= len(text) <= most or not text.isprintable():
            errors[name] = f"Type 2 to {most} characters."
    if not re.fullmatch(r"[A-Z0-9-]{1,12}", site.code):
        errors["code"] = "Type up to 12 letters, digits or dashes."
    for name in phones:
        phone = getattr(site, name)
        if not re.fullmatch(r"[+(0-9][0-9 ().-]+", phone) or not 7 <= len(_digits(phone)) <= 15:
            errors[name] = "Type a telephone number, such as 205-555-0142."
    if "unblinding_phone" not in errors and _digits(site.pharmacy_phone) == _digits(
        site.unblinding_phone
    ):
        errors["unblinding_phone"] = "The emergency unblinding number must be another number."
    errors |= _zone_errors(site) | _run_errors(site)
    if errors:
        raise BadForm(errors)


def _digits(phone: str) -> str:
    """The digits of a number, a United States one without its country code."""
    digits = "".join(re.findall("[0-9]", phone))
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits


def _zone_errors(site: NewSite) -> dict[str, str]:
    if site.zone in _zones():
        return {}
    return {"zone": "Choose a time zone of the list, such as America/Chicago."}


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _shipped_files() -> Sequence[Path]:
    return sorted(_SHIPPED.glob("*.toml"))


def _facts(act: Act, study: Study) -> StudyFacts:
    sites = tuple(studies.sites(act.uow.session, study.id))
    site = sites[0]
    return StudyFacts(
        study_id=study.id,
        code=study.code,
        title=study.title,
        mode=stages.mode_words(act.uow, study),
        live=not study.practice,
        made=format_moment(study.made_at, ZoneInfo(site.zone)),
        protocol_version=studies.current_protocol(act.uow.session, study.id).version,
        site=site,
        sites=sites,
    )


def _run_errors(site: NewSite) -> dict[str, str]:
    try:
        parse_run_rule(site.run_times)
    except ValueError:
        return {"run_times": _RUNS_HINT}
    return {}


def _site_row(act: Act, study: Study, site: NewSite) -> Site:
    return Site(
        id=act.new_id("site"),
        study_id=study.id,
        code=site.code,
        pharmacy_name=site.pharmacy_name,
        pharmacy_address=site.pharmacy_address,
        pharmacy_phone=site.pharmacy_phone,
        unblinding_phone=site.unblinding_phone,
        sponsor_phone=site.sponsor_phone,
        zone=site.zone,
        investigator_id=None,
        investigator_name=site.investigator_name,
        run_times=site.run_times,
    )
