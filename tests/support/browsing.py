"""A test client that signs in, reads forms as a browser does, and sends them."""

from __future__ import annotations

import re
from html import unescape

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.builders import PASSWORD

BASE = "http://127.0.0.1:8000"
_FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


class Browser:
    """One person's browser. It signs in when it is first used, not before."""

    def __init__(self, app: Flask, user_name: str) -> None:
        self._client, self._user_name, self._signed_in = app.test_client(), user_name, False

    @property
    def client(self) -> FlaskClient:
        """The signed-in client."""
        if not self._signed_in:
            self._signed_in = True
            said = {"user_name": self._user_name, "password": PASSWORD}
            answer = self._client.post("/sign-in", data=said, base_url=BASE)
            assert answer.status_code == 303, answer.text
        return self._client

    def get(self, path: str, status: int = 200, **headers: str) -> str:
        """The page's text; another status fails the test."""
        answer = self.client.get(path, base_url=BASE, headers=headers)
        assert answer.status_code == status, (path, answer.status_code, words(answer.text))
        return answer.text

    def form(self, page: str, action: str) -> dict[str, str]:
        """The hidden fields of the form with this action on a page."""
        for form in _FORM.findall(page):
            if f'action="{action}"' in unescape(form):
                return dict(_HIDDEN.findall(form))
        raise AssertionError(f"no form to {action}")

    def send(self, path: str, hidden: dict[str, str], **fields: str) -> TestResponse:
        """Post a form."""
        return self.client.post(path, data={**hidden, **fields}, base_url=BASE)

    def fill(self, path: str, action: str = "", **fields: str) -> TestResponse:
        """Open a page, fill the form with this action (its own by default) and send it."""
        return self.send(action or path, self.form(self.get(path), action or path), **fields)

    def follow(self, answer: TestResponse) -> str:
        """The page a 303 leads to."""
        assert answer.status_code == 303, (answer.status_code, words(answer.text))
        return self.get(answer.location)


def words(page: str) -> str:
    """What a person reads on a page, in one line."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def path_of(answer: TestResponse) -> str:
    """Where a 303 leads, without its notice."""
    return str(answer.location).partition("?")[0]
