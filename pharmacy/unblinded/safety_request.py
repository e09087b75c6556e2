"""What is asked and told in a safety unblinding: who learns it, about whom, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

KINDS = {
    "recall": "Recall of a product",
    "report": "Expedited safety report",
    "care": "Care after a serious event, not an emergency",
}
RECIPIENTS = {
    "physician": "Treating physician",
    "sponsor_safety": "Sponsor's unblinded safety contact",
    "monitoring_board": "Data monitoring board",
}


@dataclass(frozen=True)
class Recipient:
    """Who is to learn it; `person_id` when it is a user of this study, else empty."""

    name: str
    organisation: str
    role: str
    contact: str
    person_id: str = ""


@dataclass(frozen=True)
class Asked:
    """One request. A recall has a product and a window, everything else one participant."""

    kind: str
    recipient: Recipient
    said: str
    participant_id: str = ""
    product: str = ""
    first: date | None = None
    last: date | None = None
    form: str = ""


@dataclass(frozen=True)
class SecondSignature:
    """The other unblinded person, and where the form came from."""

    user_name: str
    password: str = field(repr=False)
    address: str


@dataclass(frozen=True)
class Request:
    """One request as the pharmacy reads it, with how often its letter was shown."""

    id: str
    kind: str
    when: str
    asked_by: str
    signed_by: str
    recipient: str
    contact: str
    about: str
    said: str
    shown: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Told:
    """What the letter says. `lines` are participants, each with words about what they received.

    `covered` is how many the request concerns, in both arms: so many have room in every letter.
    """

    request: Request
    lines: tuple[tuple[str, str], ...]
    none: str
    covered: int
