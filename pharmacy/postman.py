"""Mailing notices: after their act, apart from it, until a mail server has taken them.

Two who mail at once share the work: a try is begun by whoever is first, and committed before
anything is sent. A notice may come twice when a server dies between taking it and saying so; it
has the same number then.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
import threading
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from pharmacy.domain.errors import Unavailable
from pharmacy.services import notices
from pharmacy.services.notices import Letter
from pharmacy.services.units import Units

_ANSWER_WITHIN_S = 20
_LOOK_EVERY_S = 60
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
Send = Callable[[Letter], int]


class CannotMail(Exception):
    """The mail server did not take a letter; the sentence quotes neither password nor address."""


def by_smtp(smtp_url: str, to: tuple[str, ...], sender_host: str) -> Send:
    """A way to send one letter to everybody in `to` through the server at `smtp_url`.

    It returns how many addresses the server refused, where it took the letter for the others.
    """
    parts = urlsplit(smtp_url)

    def send(letter: Letter) -> int:
        try:
            with _connected(parts.scheme, parts.hostname or "", parts.port) as server:
                if parts.username:
                    server.login(unquote(parts.username), unquote(parts.password or ""))
                return len(server.send_message(message_of(letter, to, sender_host)))
        except (OSError, ValueError, smtplib.SMTPException) as error:
            raise CannotMail(type(error).__name__) from None

    return send


def send_due(units: Units, send: Send) -> int:
    """Send everything that is due, oldest first; how many a server took.

    One that fails waits longer before its next try, and the others are tried all the same.
    """
    taken = 0
    while (letter := _begun(units)) is not None:
        try:
            refused = send(letter)
        except CannotMail as error:
            logging.getLogger("twinbag").warning("notice not mailed kind=%s", error)
            continue
        if refused:
            logging.getLogger("twinbag").warning("notice refused addresses=%d", refused)
        with units.acting() as uow:
            notices.sent(uow, letter, refused)
            uow.commit()
        taken += 1
    return taken


class Postman:
    """A thread of its own that mails what is due: when it is woken, and every minute."""

    def __init__(self, units: Units, send: Send) -> None:
        self._units, self._send = units, send
        self._woken, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)

    def start(self) -> None:
        """Begin; it ends with the process."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to send."""
        self._woken.set()

    def end(self) -> None:
        """End after the letter at hand."""
        self._ended.set()
        self._woken.set()
        self._thread.join(_ANSWER_WITHIN_S)

    def _run(self) -> None:
        while not self._ended.is_set():
            self._woken.clear()
            try:
                send_due(self._units, self._send)
            except Unavailable as lacking:
                logging.getLogger("twinbag").warning("notices wait lack=%s", lacking.lack.value)
            except Exception as error:  # the next minute tries again, whatever it was
                logging.getLogger("twinbag").error("notices broken kind=%s", type(error).__name__)
            self._woken.wait(_LOOK_EVERY_S)


def _begun(units: Units) -> Letter | None:
    with units.acting() as uow:
        letter = notices.take_due(uow)
        uow.commit()
    return letter


def _connected(scheme: str, host: str, port: int | None) -> smtplib.SMTP:
    """A sealed line; an open one only to this very machine."""
    context = ssl.create_default_context()
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=_ANSWER_WITHIN_S, context=context)
    server = smtplib.SMTP(host, port or 25, timeout=_ANSWER_WITHIN_S)
    if host not in _LOOPBACK:
        server.starttls(context=context)
    return server


def message_of(letter: Letter, to: tuple[str, ...], sender_host: str) -> EmailMessage:
    """One letter as it goes over the line."""
    message = EmailMessage()
    message["From"] = f"Twinbag <twinbag@{sender_host}>"
    message["To"] = ", ".join(to)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(letter.at)
    message["Message-ID"] = f"<{letter.number}@{sender_host}>"
    message.set_content(f"{letter.text}\n")
    return message
