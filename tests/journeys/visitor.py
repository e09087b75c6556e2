"""A person at a browser of their own: real Chromium, driven by what stands on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import (
    APIResponse,
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    Request,
    Response,
    ViewportSize,
)

from tests.support.fake_camera import Camera

PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 900}
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# So that no test looks through the camera of the machine it runs on.
NO_CAMERA = ("--use-fake-device-for-media-stream=device-count=0",)
# What the policy blocks is reported by the page itself, whatever the console says of it.
_REPORT = """document.addEventListener('securitypolicyviolation', (event) => {
  console.error(`policy: ${event.effectiveDirective} ${event.blockedURI}`);
});"""


def launch(playwright: Playwright, flags: Sequence[str] = NO_CAMERA) -> Browser:
    """A headless Chromium with a profile folder of its own, removed with it.

    `flags` say which camera it has: none, or that of tests/support/fake_camera.py.
    """
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *flags])


class Visitor:
    """One person's browser window. Each has its own cookies, and its own word on the camera:
    allowed with `camera`, refused without.

    `faults` holds what went wrong unseen: errors and warnings of the console, uncaught errors,
    blocked content, answers that are no success, and requests that left this machine.
    """

    def __init__(
        self,
        browser: Browser,
        address: str,
        size: ViewportSize = DESK,
        scale: float = 1,
        camera: bool = False,
    ) -> None:
        self.faults: list[str] = []
        self._address = address
        self._closed = False
        self.context = browser.new_context(
            base_url=address,
            viewport=size,
            device_scale_factor=scale,
            reduced_motion="reduce",
            locale="en-US",
            permissions=["camera"] if camera else [],
        )
        self.context.add_init_script(_REPORT)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def close(self) -> None:
        """Close the window; once is enough."""
        if not self._closed:
            self._closed = True
            self.context.close()

    # Going about -----------------------------------------------------------------------------

    def open(self, path: str) -> None:
        """Open an address of the app, or a whole link to it."""
        self.page.goto(path, wait_until="domcontentloaded")

    def press(self, name: str, among: Locator | None = None) -> None:
        """Press the one button with this name and wait for the page it leads to."""
        with self._led():
            (among or self.page).get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str | re.Pattern[str], among: Locator | None = None) -> None:
        """Follow the one link with this name; in the menu, unfold the group it is in first."""
        within = among or self.page
        link = within.get_by_role("link", name=name, exact=True)
        folded = self.page.get_by_role("link", name=name, exact=True, include_hidden=True)
        group = within.locator(".menu-group:not([open])", has=folded)
        if link.count() == 0 and group.count() == 1:
            group.locator("summary").click()
        with self._led():
            link.click()

    def type(self, **texts: str) -> None:
        """Type into fields, each named by its label with `_` for a space."""
        for label, text in texts.items():
            self.field(label.replace("_", " ")).fill(text)

    def field(self, label: str) -> Locator:
        """The one visible field with this label."""
        return self.page.get_by_label(label, exact=True).filter(visible=True)

    def tick(self, *labels: str) -> None:
        """Tick boxes or choose radios by their labels."""
        for label in labels:
            self.field(label).check()

    def scan(self, text: str) -> None:
        """A hand scanner: it types into whatever has the focus, and ends with Enter."""
        with self._led():
            self.shoot(text)

    def shoot(self, text: str) -> None:
        """The same, where Enter leads to the next field and not to another page."""
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def sign_in(self, user_name: str, password: str) -> None:
        """Sign in at the door."""
        self.open("/sign-in")
        self.type(User_name=user_name, Password=password)
        self.press("Sign in")

    def films(self) -> None:
        """Wait until the page's camera shows its live picture."""
        self.page.locator("[data-camera][data-state=live]").wait_for()

    # Looking ---------------------------------------------------------------------------------

    @property
    def heading(self) -> str:
        """The page's one main heading."""
        return " ".join(self.page.locator("h1").inner_text().split())

    @property
    def words(self) -> str:
        """What the page's main part says, in one line."""
        return " ".join(self.page.locator("main").inner_text().split())

    def texts(self, selector: str) -> list[str]:
        """The texts of everything that matches."""
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]

    def get(self, link: str) -> bytes:
        """The file behind a link of the page, fetched with this person's cookies."""
        path = self.page.get_by_role("link", name=link, exact=True).get_attribute("href")
        answer: APIResponse = self.context.request.get(f"{self._address}{path}")
        assert answer.ok, (link, answer.status)
        return answer.body()

    @contextmanager
    def _led(self) -> Iterator[None]:
        with self.page.expect_navigation(wait_until="domcontentloaded"):
            yield

    # Listening -------------------------------------------------------------------------------

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self._address}/", "data:", "blob:")):
            self.faults.append(f"left this machine: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status} for {response.request.method} {response.url}")


class Windows:
    """The windows of one test. They are closed before the server they look at: an open board
    asks it for Stops every few seconds, and an answer cut off would be heard as a fault.
    `camera` is what the phones among them look through.
    """

    def __init__(self, browser: Browser, camera: Camera) -> None:
        self._browser = browser
        self.camera = camera
        self._opened: list[Visitor] = []

    def __call__(
        self, address: str, size: ViewportSize = DESK, scale: float = 1, camera: bool = False
    ) -> Visitor:
        self._opened.append(Visitor(self._browser, address, size, scale, camera))
        return self._opened[-1]

    def close(self) -> None:
        """Close them all."""
        for visitor in self._opened:
            visitor.close()

    def faults(self) -> list[str]:
        """What went wrong unseen in any of them."""
        return [fault for visitor in self._opened for fault in visitor.faults]
