"""What a planted leak is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.architecture.swap.script import Journey


@dataclass(frozen=True)
class Plant:
    """One leak: its name, the step since which it is in the product, where it shows first, and how
    it is put in.

    It is put in anew for every step, so that two worlds can take turns: what it must remember
    belongs to the journey's own `planted`.
    """

    name: str
    since: str
    where: str
    put_in: Callable[[pytest.MonkeyPatch, Journey], None]
