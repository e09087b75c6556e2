"""The pharmacy's part of the journey: the room, the plan, one bag through two pairs of hands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from playwright.sync_api import Locator

from labels.codes import read_back
from pharmacy.unblinded.study_files import products_of
from tests.journeys.cast import PASSWORD, STATISTICIAN, Journey, Player
from tests.journeys.visitor import Visitor

LOT, EXPIRY = "K230A7711", "271231"


@dataclass(frozen=True)
class Printed:
    """A label or card as it came out of the printer."""

    pdf: bytes

    @property
    def code(self) -> str:
        """The code that every symbol on it says, read by the independent decoder."""
        (text,) = {read.text for read in read_back(self.pdf)}
        return text


def opens_the_room(journey: Journey, player: Player) -> None:
    """The first time, the words of whoever enrolled the person are heard and compared."""
    page = journey.window(player)
    page.follow("Open the room", page.page.get_by_role("main"))
    page.type(
        Their_six_words=journey.six_words[STATISTICIAN], Passphrase=journey.passphrases[player]
    )
    page.press("Open the room")
    assert page.page.locator("[data-countdown-text]").is_visible()


def serves_the_oldest_request(page: Visitor) -> None:
    """One press, and the board says that it is done."""
    page.press("Serve the oldest request")
    assert "The oldest request was served." in page.words


def plans(page: Visitor, code: str) -> None:
    """The plan is shown before it is kept, and can be checked by hand."""
    page.follow(code, lane(page, "To plan"))
    assert page.heading == f"Plan {code}"
    for text in ("119.2 g", "1,200 mL", "600 mL", "35 mL/hour"):
        assert text in page.words, text
    page.press("Keep this plan")
    assert "Its bags are on the board." in page.words


def labels_the_container(page: Visitor, code: str) -> Printed:
    """The inner label goes on the empty container, is scanned there and opens the next step."""
    page.follow(code, lane(page, "To prepare").locator(".card").first)
    assert page.heading == "Inner label"
    inner = Printed(page.get("Open the inner label (PDF)"))
    page.scan(inner.code)
    page.press("Show what to draw")
    return inner


def draws(page: Visitor) -> None:
    """Scan what the pick list asks for, container by container, until it is complete."""
    for scanned in _containers(page):
        page.scan(scanned)


def takes_over(
    page: Visitor, user_name: str, password: str, passphrase: str, granter_words: str = ""
) -> None:
    """The next person at the bench signs in and opens the room at the same bag."""
    assert page.heading == "Next person at the bench"
    page.type(User_name=user_name, Password=password, Passphrase=passphrase)
    if granter_words:
        page.page.get_by_text("Your first time in this study's room?").click()
        page.field("Six words of the person who enrolled you").fill(granter_words)
    page.press("Take over")


def checks_in(journey: Journey, page: Visitor, player: Player, first_time: bool = False) -> None:
    """The same by one of the journey's people; the page is then theirs."""
    words = journey.six_words[STATISTICIAN] if first_time else ""
    takes_over(page, player.user_name, PASSWORD, journey.passphrases[player], words)
    assert page.page.get_by_role("link", name=player.name).count() == 1


def checks(page: Visitor) -> None:
    """The checker enters every container again, without seeing the first entries, and signs."""
    assert page.heading == "Check"
    assert LOT not in page.words
    draws(page)
    signs(page, "Sign the check")


def covers(page: Visitor, inner: str) -> Printed:
    """The printed cover label goes on with the seal; returns the label."""
    cover = Printed(page.get("Open the cover label (PDF)"))
    page.tick(
        "Set primed and ports covered in the pharmacy",
        "Drip chamber and tubing sleeved",
        "Opaque cover on",
    )
    page.type(Seal_number="S-4711")
    page.field("Inner label, on the container").focus()
    page.shoot(inner)
    page.scan(cover.code)
    return cover


def releases(page: Visitor) -> None:
    """The release is signed once its run leaves; it counts from the run's usual moment on."""
    page.type(Your_password=PASSWORD)
    page.press("Sign and release")
    assert "Released from 2 Mar 2026 09:45 CST on." in page.words


def signs(page: Visitor, button: str, password: str = PASSWORD) -> None:
    """Inspected, and signed with the password."""
    page.tick("Inspected: clear, no particles, no leak")
    page.type(Your_password=password)
    page.press(button)


def lane(page: Visitor, title: str) -> Locator:
    """One lane of the board."""
    heading = page.page.get_by_role("heading", name=title)
    return page.page.locator("section.lane").filter(has=heading)


def packs(page: Visitor, participant: str) -> bytes:
    """What is on its way, with the paper for the box; the room may be locked."""
    page.follow("Deliveries", page.page.get_by_role("navigation"))
    assert participant in page.words
    return page.get(f"Packing list (PDF) for {participant}, Week 0, day 1 of 2")


def _containers(page: Visitor) -> Iterator[str]:
    """What a scanner reads from each container that the page asks for."""
    supplies = products_of("MIGHT").supplies
    gtins = {one.name: one.gtins[0] for supply in supplies for one in supply.products}
    rows = page.page.get_by_role("table", name="What to draw").locator("tbody tr")
    for cells in [row.locator("th, td > span:last-child").all_inner_texts() for row in rows.all()]:
        if cells[0] in gtins:
            for number in range(int(cells[1])):
                yield f"(01){gtins[cells[0]]}(17){EXPIRY}(10){LOT}(21)SN{number}"
