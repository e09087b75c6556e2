"""A device with an address of its own on this machine, and the cookies it keeps."""

from __future__ import annotations

import http.client
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from tests.support.builders import PASSWORD

_LIMIT_S = 60


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    location: str
    text: str


@dataclass
class Device:
    """Sends from one of the loopback addresses 127.0.0.2 and on, so that two of them differ."""

    server: str
    address: str
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self._send("GET", path, "")

    def post(self, path: str, **typed: str) -> Answer:
        """Send a form."""
        return self._send("POST", path, urlencode(typed))

    def sign_in(self, name: str, password: str = PASSWORD) -> Answer:
        """Try to sign in as one of a trial's people, by short name."""
        return self.post("/sign-in", user_name=f"{name}.test", password=password)

    def forget(self) -> None:
        """Lose every cookie, as a new phone has none."""
        self.cookies.clear()

    def _send(self, method: str, path: str, body: str) -> Answer:
        server = urlsplit(self.server)
        line = http.client.HTTPConnection(
            server.hostname, server.port, _LIMIT_S, source_address=(self.address, 0)
        )
        sent = {**self.headers, "Content-Type": "application/x-www-form-urlencoded"}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        line.request(method, path, body, sent)
        answer = line.getresponse()
        text = answer.read().decode()
        for said in answer.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(said).items():
                self.cookies[name] = morsel.value
        line.close()
        return Answer(answer.status, answer.headers.get("Location", ""), text)
