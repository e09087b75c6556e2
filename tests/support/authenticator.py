"""A phone with an authenticator app: it knows one key and shows the code of a moment.

By the standard library alone (RFC 4226, RFC 6238), sharing nothing with the product.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from pharmacy.persistence import sign_ins
from pharmacy.services import authenticator_setup, sign_in
from tests.support.builders import PASSWORD, Trial
from tests.support.world import make_surroundings

STEP = timedelta(seconds=30)


@dataclass(frozen=True)
class Phone:
    """`key` in base32, as the page gives it for typing; `now` is the phone's own clock."""

    key: str
    now: Callable[[], datetime]

    @classmethod
    def scanned(cls, address: str, now: Callable[[], datetime]) -> Phone:
        """From what the QR code says."""
        said = urlsplit(address)
        assert (said.scheme, said.netloc) == ("otpauth", "totp")
        return cls(parse_qs(said.query)["secret"][0], now)

    def code(self, steps: int = 0) -> str:
        """What it shows now, or some steps of half a minute later or earlier."""
        step = int(self.now().timestamp()) // 30 + steps
        secret = base64.b32decode(self.key.replace(" ", ""))
        digest = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha1).digest()
        at = digest[-1] & 15
        number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
        return f"{number % 1_000_000:06d}"


def set_up(trial: Trial, who: str) -> tuple[Phone, tuple[str, ...]]:
    """Somebody of a trial sets up an authenticator; a minute later: the phone and the codes."""
    around = make_surroundings(trial.clock, trial.chance)
    name = "admin.test" if who == "administrator" else f"{who}.test"
    with trial.units.acting() as uow:
        token = sign_in.sign_in(uow, around, name, PASSWORD, "192.0.2.1").token
        uow.commit()
    with trial.act(who) as act:
        row = sign_in.open_session(act.uow, token, idle_counts=True)
        assert isinstance(row, sign_ins.SignInSession)
        shown = authenticator_setup.to_set_up(act, row)
        phone = Phone(shown.key, trial.clock)
        authenticator_setup.set_up(act, row, phone.code())
        codes = authenticator_setup.recovery_codes(act, row)
    trial.clock.move(minutes=1)
    return phone, codes
