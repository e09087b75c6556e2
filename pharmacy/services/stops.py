"""Every Stop as the pharmacy sees it, at once: newest first, until it is marked as seen."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pharmacy.domain.roles import Permission
from pharmacy.domain.scanning import Stop
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import bags, scans, studies
from pharmacy.persistence.scans import Scan
from pharmacy.persistence.studies import Site
from pharmacy.services import participants as participant_verbs
from pharmacy.services import plans
from pharmacy.services.act import Act
from pharmacy.services.kept_scans import TYPED_REASONS
from pharmacy.services.scanning import sentence_of
from pharmacy.services.site_words import bag_words, person_name


@dataclass(frozen=True)
class StopLine:
    """One Stop in words. `seen_by` is empty until somebody at the pharmacy says so."""

    scan_id: str
    sentence: str
    participant: str
    bag: str
    nurse: str
    when: str
    how: str
    left: str
    seen_by: str


@dataclass(frozen=True)
class Stops:
    """The newest Stops, and how many of all nobody has acknowledged."""

    lines: tuple[StopLine, ...]
    unseen: int


def stops(act: Act) -> Stops:
    """The study's Stops for pharmacy and coordinator."""
    act.permit(Permission.SEE_STOPS)
    found = scans.stops(act.uow.session, act.in_study.id)
    return Stops(tuple(_line(act, scan) for scan in found), unseen(act))


def unseen(act: Act) -> int:
    """How many Stops of the study were not acknowledged."""
    act.permit(Permission.SEE_STOPS)
    return scans.unseen(act.uow.session, act.in_study.id)


def _line(act: Act, scan: Scan) -> StopLine:
    participant, bag, site = _bag(act, scan)
    zone = ZoneInfo(site.zone)
    return StopLine(
        scan_id=scan.id,
        sentence=sentence_of(Stop(scan.stop)),
        participant=participant,
        bag=bag,
        nurse=person_name(act, scan.nurse_id),
        when=format_moment(scan.judged_at, zone),
        how=_how(scan),
        left=format_moment(scan.set_aside_at, zone) if scan.set_aside_at else "",
        seen_by=person_name(act, scan.seen_by) if scan.seen_by else "",
    )


def _how(scan: Scan) -> str:
    """How the code came in, in words."""
    if scan.method == "typed":
        return f"Typed: {TYPED_REASONS[scan.typed_reason]}"
    return "Camera" if scan.method == "camera" else "Scanned"


def _bag(act: Act, scan: Scan) -> tuple[str, str, Site]:
    """Whose bag it is, which, and of which site; nothing of a bag of another study.

    Where no bag was found the moment is told in the zone of the study's first site.
    """
    first = studies.sites(act.uow.session, act.in_study.id)[0]
    found = bags.bag_with_day(act.uow.session, scan.bag_id) if scan.bag_id else None
    if found is None:
        return "", "No bag found", first
    bag, day, course = found
    if bag.study_id != act.in_study.id:
        return "", "A bag of another study", first
    visit = plans.protocol_of_course(act, course).find_visit(course.visit)
    name = visit.name if visit else course.visit
    participant = participant_verbs.find(act, course.participant_id)
    words = f"{name}, day {day.day}, {bag_words(bag)}"
    return participant.code, words, participant_verbs.site_of(act, participant)
