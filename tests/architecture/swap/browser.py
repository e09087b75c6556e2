"""A person at a browser: opens pages, fills their forms, and leaves what was seen behind.

Blinded answers go into the transcript; what the lit room answers is not compared, its effects are.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pharmacy.web.access import door_of
from tests.architecture.swap.surfaces import Transcript

BASE = "http://127.0.0.1:8000"


@dataclass
class FoundForm:
    """One form of a page: where it leads and what it already says."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[FoundForm] = []
        self._open = False
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "form" and (said.get("method") or "").lower() == "post":
            self.forms.append(FoundForm(said.get("action") or ""))
            self._open = True
        elif self._open and tag == "input" and said.get("type") == "hidden":
            self.forms[-1].fields[said.get("name") or ""] = said.get("value") or ""
        elif self._open and tag == "select":
            self._select = said.get("name") or ""
        elif self._open and tag == "option" and self._select:
            chosen = self.forms[-1].fields
            if self._select not in chosen or "selected" in said:
                chosen[self._select] = said.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False
        elif tag == "select":
            self._select = ""


def forms_of(page: str) -> list[FoundForm]:
    """The posting forms of a page, with their hidden fields and chosen options."""
    parser = _Forms()
    parser.feed(page)
    return parser.forms


class Browser:
    """One person's browser with its own cookies."""

    def __init__(self, app: Flask, transcript: Transcript, name: str, step: list[str]) -> None:
        self._app, self._transcript, self._step = app, transcript, step
        self.name = name
        self.client: FlaskClient = app.test_client()
        self.at = "/"
        self.page = ""
        self.raw = b""

    def open(self, path: str, expect: int = 200) -> str:
        """Open a page, following redirects."""
        return self._kept(self._followed("GET", path, None), expect)

    def fill(self, action_ends: str, expect: int = 200, at: int = 0, **fields: object) -> str:
        """Fill the page's form whose action ends so, send it, and follow where it leads."""
        found = [form for form in forms_of(self.page) if _path(form.action).endswith(action_ends)]
        if len(found) <= at:
            shown = [form.action for form in forms_of(self.page)]
            raise AssertionError(f"{self._step[0]}: no form {action_ends!r} at {self.at}: {shown}")
        form = found[at]
        data = {**form.fields, **{name: value for name, value in fields.items() if value != ""}}
        return self._kept(self._followed("POST", form.action or self.at, data), expect)

    def forms(self) -> list[FoundForm]:
        """The posting forms of the page at hand."""
        return forms_of(self.page)

    def find(self, pattern: str) -> str:
        """The first part of the page that matches, with markup's entities taken out."""
        found = re.search(pattern, html.unescape(self.page))
        if found is None:
            raise AssertionError(f"{self._step[0]}: {pattern} is not at {self.at}")
        return found[0]

    def post_raw(self, path: str, expect: int, **fields: object) -> str:
        """Send a form that no page offers."""
        return self._kept(self._followed("POST", path, fields), expect)

    def _followed(self, method: str, path: str, data: dict[str, object] | None) -> TestResponse:
        response = self._send(method, path, data)
        for _ in range(6):
            if response.status_code not in (301, 302, 303):
                return response
            response.close()
            response = self._send("GET", response.headers["Location"], None)
        raise AssertionError(f"{self._step[0]}: {path} leads round in circles")

    def _send(self, method: str, path: str, data: dict[str, object] | None) -> TestResponse:
        kind = "multipart/form-data" if _has_file(data) else None
        response = self.client.open(
            path, method=method, data=data, base_url=BASE, content_type=kind
        )
        adapter = self._app.url_map.bind("127.0.0.1")
        endpoint = adapter.match(_path(path), method=method)[0]
        here = door_of(self._app, endpoint)
        if here is not None and not here.lit:
            self._transcript.response(f"{self._step[0]} ({self.name})", endpoint, method, response)
        self.at = _path(path)
        return response

    def _kept(self, response: TestResponse, expect: int) -> str:
        text = response.mimetype.startswith("text/")
        self.page = response.get_data(as_text=True) if text else ""
        self.raw = response.get_data()
        response.close()
        if response.status_code != expect:
            raise AssertionError(
                f"{self._step[0]}: {self.at} answered {response.status_code}: {self.page[-1500:]}"
            )
        return self.page


def _path(location: str) -> str:
    return location.split("?", 1)[0].removeprefix(BASE)


def _has_file(data: dict[str, object] | None) -> bool:
    return any(isinstance(value, tuple) for value in (data or {}).values())
