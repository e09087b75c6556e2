"""The two ways in which a room's keys are not there: it is locked, or they were changed."""

from __future__ import annotations

from pharmacy.domain.errors import Refusal


class RoomLocked(Refusal):
    """The room is locked: the person is led to its door and back here afterwards."""

    def __init__(self) -> None:
        super().__init__("The room is locked. Open it with your passphrase.", status=403)


class KeysChanged(Refusal):
    """The study's keys were renewed while somebody worked with the former ones (409)."""

    def __init__(self) -> None:
        super().__init__(
            "The study's keys were renewed while you worked. This step was not done and nothing "
            "before it is lost. Open the room again, then repeat the step."
        )
