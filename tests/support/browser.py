"""A browser for tests: the real app, a cookie jar, and forms sent as the page made them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pharmacy.app import create_app
from tests.support.builders import PASSWORD, Trial
from tests.support.world import make_config, make_surroundings

HOST = "http://127.0.0.1:8000"
_HIDDEN = re.compile(r'<input type="hidden" name="(csrf_token|operation_id)" value="([^"]*)">')


def open_house(trial: Trial, database_url: str, folder: Path, **settings: object) -> Flask:
    """The app on a trial's database, with the trial's clock and chance."""
    surroundings = make_surroundings(trial.clock, trial.chance)
    return create_app(make_config(database_url, folder, **settings), surroundings)


class Browser:
    """One person's browser."""

    def __init__(self, app: Flask, base_url: str = HOST) -> None:
        self.client: FlaskClient = app.test_client()
        self.base_url = base_url

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open a page."""
        return self.client.get(path, base_url=self.base_url, **options)

    def send(self, path: str, fields: dict[str, Any], **options: Any) -> TestResponse:
        """Send fields as they are."""
        return self.client.post(path, base_url=self.base_url, data=fields, **options)

    def hidden(self, page: str, action: str | None = None) -> dict[str, str]:
        """The hidden fields of a page's form that posts to `action` (the page itself unless)."""
        text = self.get(page).get_data(as_text=True)
        form = text.partition(f'<form method="post" action="{action or page}" novalidate')[2]
        found = dict(_HIDDEN.findall(form.partition("</form>")[0]))
        assert set(found) == {"csrf_token", "operation_id"}, f"no form on {page}"
        return found

    def fill(self, page: str, action: str | None = None, **fields: Any) -> TestResponse:
        """Open a page, fill its form and send it."""
        return self.send(action or page, {**self.hidden(page, action), **fields})

    def token(self) -> str:
        """The sign-in cookie's value."""
        cookie = self.client.get_cookie("twinbag", domain="127.0.0.1")
        assert cookie is not None
        return cookie.value

    def bring(self, token: str) -> None:
        """Plant a sign-in cookie."""
        self.client.set_cookie("twinbag", token, domain="127.0.0.1")

    def sign_in(self, name: str, password: str = PASSWORD) -> TestResponse:
        """Sign in as one of the trial's people, by short name."""
        return self.send("/sign-in", {"user_name": f"{name}.test", "password": password})


def signed_in(app: Flask, name: str) -> Browser:
    """A browser in which that person has signed in."""
    browser = Browser(app)
    short = "admin" if name == "administrator" else name
    assert browser.sign_in(short).status_code == 303
    return browser


def stored_bytes(trial: Trial) -> bytes:
    """Everything the embedded database has on disk, its log too."""
    path = Path(trial.engine.url.database)
    return b"".join(part.read_bytes() for part in sorted(path.parent.glob(f"{path.name}*")))
