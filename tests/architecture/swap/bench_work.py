"""The lit room's part of the script: the same stages in every world, each as its arm makes it.

Everything goes through the room's own pages, so that what a request there leaves behind counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pharmacy.domain.bag_code import Piece
from pharmacy.persistence import courses, participants
from pharmacy.unblinded import bench
from pharmacy.unblinded.entries import TYPED_REASONS
from pharmacy.unblinded.picking import open_label_arm
from pharmacy.unblinded.products import pick_list
from pharmacy.unblinded.study_files import products_of, rules_of
from tests.architecture.swap.browser import Browser
from tests.architecture.swap.worlds import LitLife
from tests.support.builders import PASSWORD

if TYPE_CHECKING:
    from tests.architecture.swap.script import Journey


PREPARED_SLOTS = {"M-002": 0, "M-003": 1, "M-008": 3}


def allocate_and_plan(journey: Journey) -> None:
    """The pharmacist serves every request and plans the two orders from the board."""
    pharmacist = at_the_board(journey)
    for _ in range(4):
        pharmacist.open(_lit(journey, "board"))
        pharmacist.fill("/serve")
    for _ in range(2):
        plan_next(journey, pharmacist)


def plan_next(journey: Journey, pharmacist: Browser) -> None:
    """Plan the first order on the board as it is proposed."""
    pharmacist.open(_lit(journey, "board"))
    pharmacist.open(pharmacist.find(r"/lit/[0-9a-f]+/orders/[0-9a-f]{32}"))
    pharmacist.fill(pharmacist.at)


def prepare(journey: Journey, code: str, life: LitLife, bag: str = "") -> None:
    """One bag from its inner label to its seal, made twice where the world's life says so.

    The participant's first one unless `bag` names another.
    """
    pharmacist, bag = at_the_board(journey), bag or journey.bag(code)
    _prepare_once(journey, pharmacist, bag, life)
    if life.remade:
        pharmacist.open(_bench(journey, bag))
        pharmacist.fill("/start-over", **{"over-why": life.words})
        _prepare_once(journey, pharmacist, bag, life)
    _print_and_cover(journey, pharmacist, code, bag, life)


def replace_labels(journey: Journey, code: str) -> None:
    """A reprint: the code that was on the labels stops the nurse from now on."""
    pharmacist, bag = at_the_board(journey), journey.bag(code)
    journey.retired_code = journey.study.trial.code(bag)
    pharmacist.open(_bench(journey, bag))
    pharmacist.fill(
        "/new-labels",
        **{
            "labels-reason": "smeared",
            "labels-password": PASSWORD,
            "labels-second_user_name": "checker.test",
            "labels-second_password": PASSWORD,
        },
    )
    pharmacist.open(_bench(journey, bag))
    pharmacist.fill("/inner-label", scanned=_inner(journey, bag))
    _print_and_cover(journey, pharmacist, code, bag, journey.world.life(1))


def release(journey: Journey, code: str, bag: str = "") -> None:
    """The bag leaves in its run."""
    pharmacist = at_the_board(journey)
    pharmacist.open(_bench(journey, bag or journey.bag(code)))
    pharmacist.fill("/release", password=PASSWORD)


def move_second_day(journey: Journey, code: str) -> None:
    """The second day goes to a later run of its date, with a reason from the list."""
    pharmacist = at_the_board(journey)
    pharmacist.open(_bench(journey, journey.study.trial.bags(course_of(journey, code))[1].id))
    run = pharmacist.find(r"2026-03-03T19:00:00[^\"]*")
    pharmacist.fill("/next-run", **{"run-run_at": run, "run-reason": "courier"})


def course_of(journey: Journey, code: str) -> str:
    """The planned course of a participant."""
    with journey.study.trial.look("pharmacist") as act:
        row = participants.by_code(act.uow.session, journey.study.study_id, code)
        assert row is not None
        order = courses.orders_of(act.uow.session, row.id)[0]
        course = courses.course_of_order(act.uow.session, order.id)
        assert course is not None
        return course.id


def at_the_board(journey: Journey) -> Browser:
    """The pharmacist at the workstation with the room open."""
    return _in_the_room(journey, "pharmacist")


def _in_the_room(journey: Journey, who: str) -> Browser:
    browser = journey.browser(who)
    browser.open(_lit(journey, "open"))
    if "granter_words" in browser.page or "/open" in browser.at:
        study = journey.study
        browser.fill(
            "/open",
            passphrase=study.passphrases[who],
            granter_words=study.six_words("statistician"),
        )
    return browser


def _prepare_once(journey: Journey, pharmacist: Browser, bag: str, life: LitLife) -> None:
    journey.pass_time(life.minutes_a_step / 4)
    pharmacist.open(_bench(journey, bag))
    pharmacist.open(_bench(journey, bag) + "/inner-label.pdf")
    journey.paper("inner label", pharmacist.raw)
    pharmacist.open(_bench(journey, bag))
    pharmacist.fill("/inner-label", scanned=_inner(journey, bag))
    if any(form.action.endswith("/open") for form in pharmacist.forms() if "/bags/" in form.action):
        pharmacist.fill(f"{bag}/open")
    _draw(journey, pharmacist, bag, life)
    pharmacist.fill("/prepared", inspected="y", password=PASSWORD)
    _hand_over(journey, pharmacist, bag, "checker")
    _draw(journey, pharmacist, bag, life)
    pharmacist.fill("/checked", inspected="y", password=PASSWORD)
    _hand_over(journey, pharmacist, bag, "pharmacist")


def _hand_over(journey: Journey, workstation: Browser, bag: str, to: str) -> None:
    """Two people at one bench: the room locks, the next one checks in at the same bag."""
    workstation.open(_bench(journey, bag))
    workstation.fill("/hand-over")
    workstation.fill(
        "/check-in",
        user_name=f"{to}.test",
        second_password=PASSWORD,
        passphrase=journey.study.passphrases[to],
        granter_words=journey.study.six_words("statistician"),
    )


def _draw(journey: Journey, browser: Browser, bag: str, life: LitLife) -> None:
    journey.pass_time(life.minutes_a_step / 4)
    for text in life.refused_scans:
        browser.fill("/sources", expect=409, scanned=text)
    for product, count in _picked(journey, bag):
        for _ in range(count):
            browser.fill(
                "/sources/typed",
                product=product,
                lot=life.lot,
                expiry=life.expiry,
                typed_why=next(iter(TYPED_REASONS)),
            )


def _picked(journey: Journey, bag: str) -> list[tuple[str, int]]:
    """What the page asks to be drawn, worked out from the world's own list."""
    with journey.study.trial.look("pharmacist") as act:
        at_bench = bench.find(act, bag)
        slot = PREPARED_SLOTS[at_bench.participant.code]
        group = journey.world.arms[slot]
        arm = open_label_arm(act, at_bench) or next(
            rule.arm for rule in rules_of("MIGHT").arms if rule.group == group
        )
        volume_ml = at_bench.bag.volume_ml
    products = products_of("MIGHT")
    picked = pick_list(arm, volume_ml, products.container_for(volume_ml), products)
    return [(line.product.key, line.count) for line in picked.lines]


def _print_and_cover(
    journey: Journey, pharmacist: Browser, code: str, bag: str, life: LitLife
) -> None:
    pharmacist.open(_bench(journey, bag))
    pharmacist.fill("/cover-label")
    pharmacist.open(_bench(journey, bag) + "/cover-label.pdf")
    journey.paper(f"cover label of {code}", pharmacist.raw)
    pharmacist.open(_bench(journey, bag))
    pharmacist.fill(
        "/cover",
        set_primed="y",
        sleeved="y",
        covered="y",
        seal_number=f"S-{life.lot}",
        inner=_inner(journey, bag),
        cover=journey.study.trial.code(bag),
    )
    journey.finished_at = journey.clock()


def _inner(journey: Journey, bag: str) -> str:
    return journey.study.trial.code(bag, Piece.INNER_CONTAINER)


def _lit(journey: Journey, page: str) -> str:
    return f"/lit/{journey.study.study_id}/{page}"


def _bench(journey: Journey, bag: str) -> str:
    return _lit(journey, f"bags/{bag}")
