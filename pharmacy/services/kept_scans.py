"""The record of scans: each is kept as it was made, and found again as it stands."""

from __future__ import annotations

from dataclasses import dataclass

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.domain.scanning import Answer, Stop, Verdict
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import bags, scans
from pharmacy.persistence.bags import Bag
from pharmacy.persistence.courses import Course, InfusionDay
from pharmacy.persistence.scans import Scan
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.services.bag_facts import Found

_BY_A_MACHINE = ("scanner", "camera")
TYPED_REASONS = {
    "smeared": "The label is smeared or torn",
    "scanner": "The scanner does not work",
    "dark": "Too dark or wet to scan",
}


@dataclass(frozen=True)
class Scanned:
    """A scan with the bag it found, if it found one."""

    scan: Scan
    verdict: Verdict
    bag: Bag | None = None
    day: InfusionDay | None = None
    course: Course | None = None

    @property
    def found(self) -> tuple[Bag, InfusionDay, Course]:
        """Bag, day and course of a scan that found them; asking without is a bug."""
        if self.bag is None or self.day is None or self.course is None:
            raise ValueError("this scan found no bag")
        return self.bag, self.day, self.course


@dataclass(frozen=True)
class HowScanned:
    """How a code came in: by scanner, camera or typed; and for which purpose it was asked."""

    purpose: str
    method: str
    typed_reason: str

    @property
    def typed(self) -> bool:
        """Whether a person read the code."""
        return self.method == "typed"


def how_scanned(text: str, purpose: str, method: str, typed_reason: str) -> HowScanned:
    """Read how a code came in; an empty code, or a typed one without its reason, is `BadForm`.

    `purpose` is "infuse" or "receive".
    """
    if method not in (*_BY_A_MACHINE, "typed"):
        raise BadForm({"": "The form could not be read. Open the page again."})
    if not text.strip():
        raise BadForm({"code": "Scan the label on the bag's cover, or type its code."})
    if method == "typed" and typed_reason not in TYPED_REASONS:
        raise BadForm({"typed_reason": "Say why the code is typed."})
    return HowScanned(purpose, method, typed_reason if method == "typed" else "")


def keep(act: Act, found: Found, verdict: Verdict, how: HowScanned) -> Scanned:
    """Keep a scan with its first answer, and write it into the trail."""
    stages.admit(act, StudyAct.BEDSIDE)
    bag = found.bag[0] if found.bag else None
    scan = Scan(
        id=act.new_id("scan"),
        study_id=act.in_study.id,
        bag_id=bag.id if bag else None,
        code_body=found.code_body,
        nurse_id=act.person.id,
        purpose=how.purpose,
        method=how.method,
        typed_reason=how.typed_reason,
        scanned_at=act.now,
        answer=verdict.answer.value,
        stop=stop_value(verdict),
        judged_at=act.now,
        set_aside_at=None,
        seen_by=None,
    )
    act.uow.session.add(scan)
    subject = f"bag:{bag.id}" if bag else "bag:unknown"
    act.record(
        "bag_scanned",
        subject,
        new={
            "scan": scan.id,
            "answer": scan.answer,
            "stop": scan.stop,
            "purpose": how.purpose,
            "method": how.method,
            "typed_reason": scan.typed_reason,
        },
    )
    return Scanned(scan, verdict, *(found.bag or (None, None, None)))


def own_scan(act: Act, scan_id: str) -> Scan:
    """The acting nurse's scan in this study, or a refusal (404)."""
    act.permit(Permission.SCAN)
    scan = scans.scan(act.uow.session, scan_id)
    if scan is None or scan.study_id != act.in_study.id or scan.nurse_id != act.person.id:
        raise Refusal("There is no such scan. Scan the bag again.", status=404)
    return scan


def reopen(act: Act, scan_id: str) -> Scanned:
    """A scan as it stands, for showing its page again."""
    scan = own_scan(act, scan_id)
    verdict = Verdict(Answer(scan.answer), Stop(scan.stop) if scan.stop else None)
    if scan.bag_id is None:
        return Scanned(scan, verdict)
    return Scanned(scan, verdict, *of_scan(act, scan))


def of_scan(act: Act, scan: Scan) -> tuple[Bag, InfusionDay, Course]:
    """Bag, day and course of a scan; refused (409) where it found none."""
    found = bags.bag_with_day(act.uow.session, scan.bag_id) if scan.bag_id else None
    if found is None:
        raise Refusal("No bag was found by this scan. Scan the bag again.")
    return found


def stop_value(verdict: Verdict) -> str | None:
    """How a verdict's Stop is stored; None for another answer."""
    return None if verdict.stop is None else verdict.stop.value
