"""A mail server on this machine that takes letters and keeps them, or refuses them."""

from __future__ import annotations

import email
import email.policy
import socket
import socketserver
import threading
from email.message import EmailMessage
from types import TracebackType
from typing import Self


class MailServer:
    """SMTP as RFC 5321 has it, as far as one letter needs; `letters` are those it has taken.

    While `refuses` it answers every letter with 451. It never takes one for `refused_address`.
    """

    def __init__(self, refused_address: str = "") -> None:
        self.letters: list[EmailMessage] = []
        self.refuses = False
        self.refused_address = refused_address.upper()
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Its address as the setting has it."""
        return f"smtp://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def refuses_to(self, command: str) -> bool:
        """Whether a command names the address that is never taken."""
        return bool(self.refused_address) and f"<{self.refused_address}>" in command

    def _handler(self) -> type[socketserver.StreamRequestHandler]:
        mail_server = self

        class Talk(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("220 here")
                while line := self.rfile.readline():
                    word = line.decode("ascii").strip().upper()
                    if word == "QUIT":
                        self._say("221 bye")
                        return
                    if mail_server.refuses_to(word):
                        self._say("550 nobody of this name")
                    elif word != "DATA":
                        self._say("250 yes")
                    elif mail_server.refuses:
                        self._say("451 not now")
                    else:
                        self._take()

            def _take(self) -> None:
                self._say("354 go on")
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
                said = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
                assert isinstance(said, EmailMessage)
                mail_server.letters.append(said)
                self._say("250 taken")

            def _say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        return Talk


def dead_url() -> str:
    """The address of a mail server that is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"smtp://127.0.0.1:{probe.getsockname()[1]}"
