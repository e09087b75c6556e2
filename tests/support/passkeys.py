"""People with passkeys: made and shown in a test's browser, as the page asks."""

from __future__ import annotations

import re
from html import unescape

from tests.support.browser import Browser
from tests.support.builders import PASSWORD
from tests.support.soft_passkey import SoftPasskey

PAGE, STEP = "/account/passkeys", "/sign-in/second-step"
_OPTIONS = re.compile(r'data-passkey-options="([^"]*)"')


def options(page: str) -> str:
    """What a page asks the browser for."""
    (found,) = _OPTIONS.findall(page)
    return unescape(found)


def asked(browser: Browser, path: str) -> str:
    """The same of a page that is opened for it."""
    return options(browser.get(path).get_data(as_text=True))


def makes(browser: Browser, device: SoftPasskey, name: str = "work computer", **said: str):
    """Make a passkey on a device, from the account's page."""
    answer = device.make(asked(browser, PAGE))
    fields = {"name": name, "password": PASSWORD, "passkey": answer, **said}
    return browser.fill(PAGE, **fields)


def half_way(app, who: str, **said: str) -> Browser:
    """A browser after the password."""
    browser = Browser(app)
    fields = {"user_name": f"{who}.test", "password": PASSWORD, **said}
    assert browser.send("/sign-in", fields).headers["Location"] == STEP
    return browser


def shows(browser: Browser, device: SoftPasskey, **wrong):
    """Show a passkey at the second step."""
    return browser.fill(STEP, passkey=device.show(asked(browser, STEP), **wrong))
