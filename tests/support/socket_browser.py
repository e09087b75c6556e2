"""A browser over a socket, for servers in processes of their own; it follows no redirect."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from html import unescape
from http.client import HTTPResponse
from http.cookiejar import Cookie, CookieJar

from tests.support.builders import PASSWORD

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')

Answer = tuple[int, str, str]


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_said: object) -> None:
        """Follow nothing."""


class SocketBrowser:
    """One person's browser; an answer is status, text and the place it leads to."""

    def __init__(self, address: str, jar: CookieJar | None = None) -> None:
        self._address = address
        self.jar = CookieJar() if jar is None else jar
        cookies = urllib.request.HTTPCookieProcessor(self.jar)
        self._opener = urllib.request.build_opener(cookies, _Stay)

    def cookie(self, name: str) -> Cookie:
        """One cookie that the browser holds."""
        (found,) = (cookie for cookie in self.jar if cookie.name == name)
        return found

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self._ask(path, None)

    def send(self, path: str, fields: dict[str, str]) -> Answer:
        """Send a form."""
        return self._ask(path, urllib.parse.urlencode(fields).encode())

    def hidden(self, page: str, action: str) -> dict[str, str]:
        """The hidden fields of the form with this action on a page."""
        status, text, _ = self.get(page)
        assert status == 200, (page, status)
        form = text.partition(f'action="{action}"')[2].partition("</form>")[0]
        return {name: unescape(value) for name, value in _HIDDEN.findall(form)}

    def sign_in(self, name: str) -> Answer:
        """Sign in as one of the trial's people, by short name."""
        return self.send("/sign-in", {"user_name": f"{name}.test", "password": PASSWORD})

    def _ask(self, path: str, body: bytes | None) -> Answer:
        try:
            with self._opener.open(f"{self._address}{path}", body, timeout=30) as answer:
                return self._read(answer)
        except urllib.error.HTTPError as error:
            with error:
                return self._read(error)

    @staticmethod
    def _read(answer: HTTPResponse | urllib.error.HTTPError) -> Answer:
        text = answer.read().decode()
        return int(answer.status or 0), text, answer.headers.get("Location", "")
