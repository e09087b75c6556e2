"""A bag with everything blinded that the bench needs of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from pharmacy.domain.bag_code import BagCode, MistypedCode, Piece, parse_code
from pharmacy.domain.errors import Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.protocol import Protocol, Visit
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import bags
from pharmacy.persistence.bags import Bag
from pharmacy.persistence.courses import Course, InfusionDay
from pharmacy.persistence.participants import Participant
from pharmacy.persistence.studies import Site
from pharmacy.services import plans, stages, voiding
from pharmacy.services.act import Act

LEFT = "This participant has left the treatment. Prepare nothing more and release nothing."


@dataclass(frozen=True)
class BenchBag:
    """One bag, its day, course, participant and site, and the protocol it was planned from."""

    bag: Bag
    day: InfusionDay
    course: Course
    participant: Participant
    site: Site
    protocol: Protocol

    @property
    def zone(self) -> ZoneInfo:
        """The site's zone."""
        return ZoneInfo(self.site.zone)

    @property
    def visit(self) -> Visit:
        """The visit of this course."""
        return next(visit for visit in self.protocol.visits if visit.code == self.course.visit)

    @property
    def blinded(self) -> bool:
        """Whether the course belongs to a blinded phase."""
        return self.protocol.phase_of(self.visit).blinded


def find(act: Act, bag_id: str) -> BenchBag:
    """A bag of this study, or a refusal (404)."""
    found = bags.bag_with_day(act.uow.session, bag_id)
    if found is None or found[0].study_id != act.in_study.id:
        raise Refusal("There is no such bag in this study.", status=404)
    bag, day, course = found
    participant = act.uow.session.get_one(Participant, course.participant_id)
    site = act.uow.session.get_one(Site, participant.site_id)
    return BenchBag(bag, day, course, participant, site, plans.protocol_of_course(act, course))


def find_planned(act: Act, bag_id: str) -> BenchBag:
    """A bag that is still at the bench; one that has left is refused (409).

    So are every bag of a study whose stage admits no work at the bench, those of a participant
    who has left the treatment, and those of a plan that is void.
    """
    stages.admit(act, StudyAct.BENCH)
    found = find(act, bag_id)
    voiding.need_valid(act, found.course)
    if found.bag.state != BagState.PLANNED:
        raise Refusal(f"This bag is {found.bag.state}; it is no longer at the bench.")
    if found.participant.state == "withdrawn":
        raise Refusal(LEFT)
    return found


def today_at(act: Act, on_bench: BenchBag) -> date:
    """The date at the site."""
    return act.now.astimezone(on_bench.zone).date()


def is_piece(act: Act, bag: Bag, scanned: str, piece: Piece) -> bool:
    """Whether a scanned or typed code is that of one of the bag's two labels, as they are now."""
    wanted = BagCode(act.in_study.practice, piece, bags.open_code(act.uow.session, bag.id).body)
    try:
        return parse_code(scanned, typed=True) == wanted
    except MistypedCode:
        return False
