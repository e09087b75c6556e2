"""A share of derivations: so many at once, so many inside, and whoever finds it full is told so."""

from __future__ import annotations

import threading

import pytest

from pharmacy.domain.errors import Lack, Unavailable
from pharmacy.services.shares import Share

_LIMIT_S = 30


class Deriving(threading.Thread):
    """Somebody who derives within a share until they are let go."""

    def __init__(self, share: Share) -> None:
        super().__init__()
        self._share = share
        self.runs, self.go_on = threading.Event(), threading.Event()
        self.start()

    def run(self) -> None:
        """Be inside, and wait there."""
        with self._share.taken():
            self.runs.set()
            self.go_on.wait(_LIMIT_S)


def test_whoever_finds_a_share_full_is_told_at_once() -> None:
    """keys.md: one too many holds no thread; another share is not touched; then there is room."""
    share, other = Share(at_once=1, inside=1), Share(at_once=1, inside=1)
    first = Deriving(share)
    assert first.runs.wait(_LIMIT_S)
    with pytest.raises(Unavailable) as full, share.taken():
        pytest.fail("there was room for a second one")
    assert full.value.lack is Lack.CROWDED
    with other.taken():
        pass
    first.go_on.set()
    first.join()
    with share.taken():
        pass


def test_inside_they_take_turns() -> None:
    """Each takes 64 MiB: no more run at once than the share allows, and whoever waits runs next."""
    share = Share(at_once=1, inside=2)
    first = Deriving(share)
    assert first.runs.wait(_LIMIT_S)
    second = Deriving(share)
    assert not second.runs.wait(0.2)
    first.go_on.set()
    assert second.runs.wait(_LIMIT_S)
    second.go_on.set()
    for one in (first, second):
        one.join()


def test_whoever_fails_inside_leaves() -> None:
    """A wrong passphrase gives its place back."""
    share = Share(at_once=1, inside=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="wrong"), share.taken():
            raise ValueError("wrong")
