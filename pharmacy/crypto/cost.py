"""What one guess costs: the parameters of Argon2id, with a floor that code enforces.

Source: RFC 9106; OWASP password storage asks for at least 19 MiB and two passes (G5). The floor
here is higher because a passphrase guards the list. The ceiling keeps a tampered record from
asking one server for more memory than it has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from pharmacy.crypto.errors import WeakParameters

_WRITTEN = re.compile(r"m=([1-9]\d{0,8}),t=([1-9]\d{0,3}),p=([1-9]\d{0,2})", re.ASCII)


@dataclass(frozen=True)
class DerivationCost:
    """Passes, memory in KiB and lanes of Argon2id, all within floor and ceiling.

    Refused with WeakParameters: fewer than 3 passes, less than 64 MiB, no lane; more than 16
    passes, 1 GiB or 4 lanes. The default is the production cost.
    """

    iterations: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 1

    def __post_init__(self) -> None:
        if self.iterations < 3 or self.memory_kib < 64 * 1024 or self.lanes < 1:
            raise WeakParameters("Argon2id needs at least 3 passes, 64 MiB and one lane")
        if self.iterations > 16 or self.memory_kib > 1024 * 1024 or self.lanes > 4:
            raise WeakParameters("Argon2id may ask for at most 16 passes, 1 GiB and four lanes")

    def written(self) -> str:
        """Return the parameters as a record stores them, such as `m=65536,t=3,p=1`."""
        return f"m={self.memory_kib},t={self.iterations},p={self.lanes}"

    @classmethod
    def read(cls, written: str) -> DerivationCost:
        """Read stored parameters; WeakParameters if malformed or outside floor and ceiling."""
        match = _WRITTEN.fullmatch(written)
        if match is None:
            raise WeakParameters("the stored Argon2id parameters cannot be read")
        memory_kib, iterations, lanes = (int(number) for number in match.groups())
        return cls(iterations, memory_kib, lanes)

    def argon2id(self, salt: bytes, length: int) -> Argon2id:
        """Return one derivation at this cost, to be used once."""
        return Argon2id(
            salt=salt,
            length=length,
            iterations=self.iterations,
            lanes=self.lanes,
            memory_cost=self.memory_kib,
        )


PRODUCTION = DerivationCost()
