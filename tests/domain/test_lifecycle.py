"""A bag's states: only the steps of the table (E15)."""

from __future__ import annotations

from itertools import product

import pytest

from pharmacy.domain.errors import Refusal
from pharmacy.domain.lifecycle import STEPS, BagState, check_step


def test_every_state_has_its_steps() -> None:
    assert set(STEPS) == set(BagState)


@pytest.mark.parametrize(("now", "then"), list(product(BagState, BagState)))
def test_only_a_step_of_the_table_is_taken(now: BagState, then: BagState) -> None:
    if then in STEPS[now]:
        check_step(now, then)
        return
    with pytest.raises(Refusal, match=f"{now.value}; it cannot become {then.value}"):
        check_step(now, then)


@pytest.mark.parametrize(
    ("now", "then"),
    [("planned", "started"), ("ended", "started"), ("lost", "released"), ("started", "released")],
)
def test_no_bag_runs_that_was_not_released_and_none_runs_twice(now: str, then: str) -> None:
    with pytest.raises(Refusal):
        check_step(BagState(now), BagState(then))
