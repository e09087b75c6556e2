"""The two failures a person may meet; anything else is a bug and becomes a reference number."""

from __future__ import annotations


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


class WrongPassword(Refusal):
    """A secret that did not match (403); the try is counted. `field` is where it was typed."""

    field = "password"


class WrongPassphrase(WrongPassword):
    """The passphrase of the lit room did not match (403); the try is counted."""

    field = "passphrase"
