"""The failures a person may meet; anything else is a bug and becomes a reference number."""

from __future__ import annotations

from enum import StrEnum


class Refusal(Exception):
    """An act that is not allowed now, told in one sentence that is safe to show.

    `status` is 403 (this person may not), 404 (no such thing here) or 409 (the thing is in
    another state). The sentence says what was wrong and what to do.
    """

    def __init__(self, sentence: str, status: int = 409) -> None:
        if status not in (403, 404, 409):
            raise ValueError("a refusal is 403, 404 or 409")
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status


class BadForm(Exception):
    """What was typed cannot be read (HTTP 400). `errors` maps a field name to its sentence."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


class Conflict(Refusal):
    """Two acts met at the database and this one lost (409); nothing of it was kept."""

    def __init__(self) -> None:
        super().__init__(
            "Somebody did this at the same moment. Open the page again to see where it stands."
        )


class Lack(StrEnum):
    """Why the database could not take an act; the value is what `/health` answers."""

    BUSY = "busy"
    FULL = "full"
    READ_ONLY = "read-only"
    CROWDED = "crowded"
    NOT_THERE = "not-there"
    DISK = "disk"
    BROKE_OFF = "broke-off"


_LACKS = {
    Lack.BUSY: "The database is busy with other work.",
    Lack.FULL: "The disk of the database is full.",
    Lack.READ_ONLY: "The database cannot be written.",
    Lack.CROWDED: "Too many people are at work at this moment.",
    Lack.NOT_THERE: "The database cannot be reached.",
    Lack.DISK: "The disk of the database does not answer as it should.",
    Lack.BROKE_OFF: "The connection to the database broke off.",
}
# Whether the commit still took place is known to nobody before the form is sent again.
_UNCERTAIN = frozenset({Lack.DISK, Lack.BROKE_OFF})


class Unavailable(Exception):
    """The database cannot take the act now (503): no bug, and nothing about the act itself.

    So it is no `Refusal`: what catches one to go on must not catch this. `certain` says that
    nothing was kept. Where that is not known, sending the same form again settles it: its
    operation id lets it be done once.
    """

    status = 503

    def __init__(self, lack: Lack) -> None:
        self.lack, self.certain = lack, lack not in _UNCERTAIN
        self.sentence = _LACKS[lack]
        super().__init__(self.sentence)


class WrongPassword(Refusal):
    """A secret that did not match (403); the try is counted. `field` is where it was typed."""

    field = "password"


class WrongPassphrase(WrongPassword):
    """The passphrase of the lit room did not match (403); the try is counted."""

    field = "passphrase"
