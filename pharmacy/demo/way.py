"""The steps of a participant's way, each taken by the person whose step it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from pharmacy.demo.cast import PASSWORD
from pharmacy.demo.practice import ZONE, Practice
from pharmacy.domain.quantities import plain
from pharmacy.persistence import bags, courses
from pharmacy.persistence.bags import Bag
from pharmacy.services import (
    arrivals,
    bag_labels,
    cards,
    infusions,
    orders,
    participants,
    plans,
    printing,
    scanning,
)
from pharmacy.services import break_cards as seals
from pharmacy.services.act import Act
from pharmacy.unblinded import allocation, bag_record, bench, break_cards, planning, releasing
from pharmacy.unblinded.bench import Source
from pharmacy.unblinded.break_cards import Wanted
from pharmacy.unblinded.picking import pick_list_of
from pharmacy.unblinded.room import OpenRoom

PREPARER, CHECKER = "pharmacist", "checker"
_STAFF = "TL/RO"
_CONSENT_DAYS_BEFORE = 2
# What stands on every practice container, so that a checker can type it.
LOT = "PRACTICE1"
KEPT_BY = {
    "pharmacy": ("Tom Lang", "Safe in the pharmacy"),
    "physician": ("On-call neurologist", "Safe in the on-call room"),
}
_MASKED = frozenset(name for name, _ in bench.MASKING)


def register(practice: Practice, code: str) -> str:
    """A registered participant's id."""
    consented_on = practice.today() - timedelta(days=_CONSENT_DAYS_BEFORE)
    return str(practice.do("coordinator", participants.register, code, consented_on).id)


def weigh(practice: Practice, participant_id: str, weight_kg: str) -> None:
    """A weighing of this day."""
    said = (participant_id, weight_kg, practice.today(), "C. Lindqvist")
    practice.do("coordinator", participants.weigh, *said)


def sign_eligible(practice: Practice, participant_id: str) -> None:
    """Signed eligibility: the request for a slot waits, a minute before the next one."""
    practice.do("investigator", orders.sign_eligibility, participant_id, PASSWORD)
    practice.wait(minutes=1)


def enrol(practice: Practice, code: str, weight_kg: str) -> str:
    """A participant who was given the next slot."""
    participant_id = register(practice, code)
    weigh(practice, participant_id, weight_kg)
    sign_eligible(practice, participant_id)
    practice.lit(PREPARER, allocation.serve_oldest)
    make_cards(practice, code, participant_id)
    return participant_id


def make_cards(practice: Practice, code: str, participant_id: str) -> None:
    """Both sealed code-break cards of a participant, in their places; no paper is drawn."""
    for card_set, (custodian, place) in KEPT_BY.items():
        seal = f"TE-{card_set[:3]}-{code}".upper()
        form = practice.surroundings.new_id("practice form")
        wanted = Wanted(card_set, seal, place, custodian, "", form)
        practice.lit(PREPARER, break_cards.open_card, participant_id, wanted)
        card = practice.do(PREPARER, break_cards.cards_of, participant_id).cards[card_set]
        practice.do(PREPARER, break_cards.put_in_place, card.id, seal)


def count_seals(practice: Practice) -> None:
    """The weekly count of both sets, every seal whole."""
    for who, card_set in ((CHECKER, "pharmacy"), ("coordinator", "physician")):
        counted = practice.do(who, seals.set_page, card_set).sealed
        found = {card.id: "intact" for card in counted}
        practice.do(who, seals.count, card_set, found, PASSWORD)


def order(practice: Practice, participant_id: str, visit: str, run_at: datetime) -> str:
    """A signed order for a course that begins on the site's day of a run."""
    first_day = run_at.astimezone(ZONE).date()
    said = (participant_id, visit, first_day, False, "", PASSWORD)
    return str(practice.do("investigator", orders.sign_order, *said).id)


def plan(practice: Practice, participant_id: str, visit: str, run_at: datetime) -> list[Bag]:
    """Order and plan a course from a run on, each day at the same hour; the bags in order."""
    order_id = order(practice, participant_id, visit, run_at)
    with practice.act(PREPARER) as act:
        days = len(plans.propose(act, order_id)[3].days)
    runs = [days_later(run_at, n) for n in range(days)]
    course_id = practice.lit(PREPARER, planning.plan_course, order_id, runs).id
    with practice.units.reading() as uow:
        found = courses.days_of(uow.session, course_id)
        return [bag for day in found for bag in bags.bags_of_day(uow.session, day.id)]


def prepare(practice: Practice, bag_id: str) -> None:
    """Inner label, envelope, draw and the preparer's signature."""
    practice.bench(PREPARER, bench.apply_inner, bag_id, inner_code(practice, bag_id))
    practice.bench(PREPARER, bench.open_bag, bag_id)
    _scan_sources(practice, PREPARER, bag_id)
    practice.bench(PREPARER, bench.sign_prepared, bag_id, True, PASSWORD)


def check(practice: Practice, bag_id: str) -> None:
    """The checker's own entries and signature."""
    _scan_sources(practice, CHECKER, bag_id)
    practice.bench(CHECKER, bench.sign_checked, bag_id, True, PASSWORD)


def send(practice: Practice, bag_id: str, seal_number: str) -> None:
    """Cover label, cover and seal; released with the run, which is two minutes later."""
    practice.bench(PREPARER, bench.print_cover, bag_id)
    said = (inner_code(practice, bag_id), cover_code(practice, bag_id), seal_number, _MASKED)
    practice.bench(PREPARER, bench.put_cover_on, bag_id, *said)
    practice.wait(minutes=2)
    practice.bench(PREPARER, releasing.release, bag_id, PASSWORD)


def through_the_pharmacy(practice: Practice, bag_id: str, seal_number: str) -> None:
    """Prepared, checked and covered within the run, released at its end."""
    practice.wait(minutes=2)
    prepare(practice, bag_id)
    practice.wait(minutes=1)
    check(practice, bag_id)
    send(practice, bag_id, seal_number)


def receive(practice: Practice, bag_id: str, nurse: str = "nurse") -> None:
    """The nurse scans the bag in at the door."""
    practice.do(nurse, arrivals.receive, cover_code(practice, bag_id), "scanner", "")


def start(practice: Practice, participant_id: str, bag_id: str, nurse: str = "nurse") -> None:
    """The nurse scans bag and card, hears name and birth date, and starts the infusion."""
    scanned = practice.do(nurse, scanning.scan_bag, cover_code(practice, bag_id), "scanner", "")
    card = card_code(practice, participant_id)
    practice.do(nurse, scanning.confirm_person, scanned.scan.id, card, True)
    practice.do(nurse, infusions.start, scanned.scan.id)


def pause(practice: Practice, bag_id: str, infused_ml: str, minutes: int, nurse: str) -> None:
    """The participant needs a break of some minutes; then the infusion goes on."""
    practice.do(nurse, infusions.pause, bag_id, infused_ml, "participant")
    practice.wait(minutes=minutes)
    practice.do(nurse, infusions.restart, bag_id)


def end(practice: Practice, bag: Bag, nurse: str = "nurse") -> None:
    """The nurse ends an infusion with everything in."""
    practice.do(nurse, infusions.end, bag.id, plain(bag.volume_ml), "", PASSWORD)


def run_of(practice: Practice, bag_id: str) -> datetime:
    """The run of a bag's day."""
    return practice.do(PREPARER, bench.find, bag_id).day.run_at


def duration(practice: Practice, bag_id: str) -> timedelta:
    """How long the infusion day of a bag takes."""
    on_bench = practice.do(PREPARER, bench.find, bag_id)
    days = plans.plan_of(on_bench.course).days
    return timedelta(minutes=days[on_bench.day.day - 1].duration_min)


def days_later(moment: datetime, days: int) -> datetime:
    """The same hour at the site, some days later, or earlier for less than none."""
    return (moment.astimezone(ZONE) + timedelta(days=days)).astimezone(UTC)


def expiry(now: datetime) -> date:
    """What stands on every practice container beside its lot: the end of the next year."""
    return date(now.year + 1, 12, 31)


def inner_code(practice: Practice, bag_id: str) -> str:
    """The 20 characters on a bag's inner label."""
    return str(practice.do(PREPARER, bag_labels.inner_label, bag_id).code)


def cover_code(practice: Practice, bag_id: str) -> str:
    """The 20 characters on a bag's cover label."""
    return str(practice.do(PREPARER, bag_labels.cover_label, bag_id, _STAFF).code)


def start_by(practice: Practice, bag_id: str) -> str:
    """Until when a bag may be started, in its label's words."""
    return str(practice.do(PREPARER, bag_labels.cover_label, bag_id, _STAFF).start_by)


def cover_pdf(practice: Practice, bag_id: str) -> bytes:
    """A bag's cover label on paper."""
    return printing.to_pdf(practice.do(PREPARER, bag_labels.cover_label, bag_id, _STAFF))


def card_pdf(practice: Practice, participant_id: str) -> bytes:
    """A participant's card on paper."""
    return bytes(practice.do("coordinator", cards.card_pdf, participant_id))


def card_code(practice: Practice, participant_id: str) -> str:
    """The 20 characters on a participant's card."""
    return str(practice.do("coordinator", cards.card, participant_id).code)


def replace_card(practice: Practice, participant_id: str) -> None:
    """A lost card is replaced."""
    mark = practice.do("coordinator", cards.standing, participant_id).mark
    practice.do("coordinator", cards.replace, participant_id, "lost", mark)


def _scan_sources(practice: Practice, who: str, bag_id: str) -> None:
    for scanned in practice.lit(PREPARER, _pick_list_scans, bag_id):
        practice.bench(who, bench.add_source, bag_id, Source(scanned=scanned))


def _pick_list_scans(act: Act, room: OpenRoom, bag_id: str) -> list[str]:
    """What a scanner would read from the containers of a bag's pick list."""
    record = bag_record.read(act, room, bag_id)
    picked = pick_list_of(act, record, bench.find(act, bag_id).bag)
    shared = f"(17){expiry(act.now):%y%m%d}(10){LOT}(21){bag_id[:8].upper()}"
    return [
        f"(01){line.product.gtins[0]}{shared}{number}"
        for line in picked.lines
        for number in range(line.count)
    ]
