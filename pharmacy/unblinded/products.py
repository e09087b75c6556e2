"""What to draw for a bag: whole vials in one arm, a measured part of a bag in the other.

Both arms get a pick list of one shape into the same empty container, and whether there is one
at all does not depend on the arm: every arm's is worked out, then one is returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import gcd
from typing import Literal

from pharmacy.domain.errors import Refusal
from pharmacy.unblinded.arm import Arm

STEPS_PER_ML = 10


@dataclass(frozen=True, slots=True)
class Product:
    """One thing on the shelf: a vial or bag of one size, and the GTINs that it may carry."""

    key: str
    name: str
    volume_ml: Decimal
    gtins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Supply:
    """What one arm is drawn from: `draw` is 'whole' vials only or 'part' of a container.

    `protocol_arm` is the name that the protocol gives the arm, whose words a broken code tells.
    """

    key: str
    arm: Arm
    draw: Literal["whole", "part"]
    products: tuple[Product, ...]
    protocol_arm: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """An empty container, the same type in every arm, and how far it may be filled."""

    key: str
    name: str
    fill_limit_ml: Decimal


@dataclass(frozen=True, slots=True)
class Products:
    """A study's supplies and empty containers.

    `open_label` is the arm whose supply everybody gets in an open-label phase, if there is one.
    """

    study: str
    supplies: tuple[Supply, ...]
    containers: tuple[Container, ...]
    open_label: Arm | None = None

    def container(self, key: str) -> Container:
        """The container of that key; KeyError if the file has none."""
        return {container.key: container for container in self.containers}[key]

    def container_for(self, volume_ml: Decimal) -> Container:
        """The smallest container that may be filled so far, else the largest there is."""
        by_size = sorted(self.containers, key=lambda container: container.fill_limit_ml)
        fitting = [container for container in by_size if volume_ml <= container.fill_limit_ml]
        return fitting[0] if fitting else by_size[-1]


@dataclass(frozen=True, slots=True, repr=False)
class PickLine:
    """`count` containers of one product, from which `volume_ml` is drawn in all."""

    product: Product
    count: int
    volume_ml: Decimal

    def __repr__(self) -> str:
        return "<pick line>"


@dataclass(frozen=True, slots=True, repr=False)
class PickList:
    """What is drawn into one container: the lines add up to `volume_ml`, largest vials first."""

    container: Container
    volume_ml: Decimal
    lines: tuple[PickLine, ...]

    def __repr__(self) -> str:
        return "<pick list>"


def pick_list(arm: Arm, volume_ml: Decimal, container: Container, products: Products) -> PickList:
    """What to draw for one bag of `volume_ml` in `container`: as few source containers as can be.

    Refusal, the same in every arm, when the container would be overfilled or the volume cannot
    be drawn in every arm. KeyError when the study draws nothing for the arm.
    """
    if volume_ml > container.fill_limit_ml:
        raise Refusal(
            f"{_plain(volume_ml)} mL is more than the {_plain(container.fill_limit_ml)} mL to "
            f"which this container may be filled. Take the plan back to be split into more bags."
        )
    lines = [_lines(supply, volume_ml) for supply in products.supplies if volume_ml > 0]
    if not lines or not all(lines):
        raise Refusal(
            f"{_plain(volume_ml)} mL cannot be made up of whole vials. Have the plan's volume "
            f"grid and the study's products compared."
        )
    for supply, drawn in zip(products.supplies, lines, strict=True):
        if supply.arm == arm:
            return PickList(container, volume_ml, drawn)
    raise KeyError("the study draws nothing for this arm")


def _lines(supply: Supply, volume_ml: Decimal) -> tuple[PickLine, ...]:
    """The lines of one arm; none if the volume cannot be drawn."""
    if supply.draw == "whole":
        return _whole(supply.products, volume_ml)
    largest = max(supply.products, key=lambda product: product.volume_ml)
    full, rest_ml = divmod(volume_ml, largest.volume_ml)
    return (PickLine(largest, int(full) + (rest_ml > 0), volume_ml),)


def _whole(products: Sequence[Product], volume_ml: Decimal) -> tuple[PickLine, ...]:
    """Fewest whole vials that make exactly `volume_ml`, and of those the largest first.

    Exact dynamic programming over the grid that the vial sizes span.
    """
    if (volume_ml * STEPS_PER_ML) % 1:
        return ()
    ordered = sorted(products, key=lambda product: -product.volume_ml)
    sizes = [int(product.volume_ml * STEPS_PER_ML) for product in ordered]
    grid, target = gcd(*sizes), int(volume_ml * STEPS_PER_ML)
    if target % grid:
        return ()
    counts = _fewest([size // grid for size in sizes], target // grid)
    return tuple(
        PickLine(product, count, product.volume_ml * count)
        for product, count in zip(ordered, counts, strict=True)
        if count
    )


def _fewest(sizes: Sequence[int], target: int) -> list[int]:
    """How many of each size add up to `target`; all zero if none do. Sizes: largest first."""
    fewest: list[tuple[int, int] | None] = [(0, -1)]
    for total in range(1, target + 1):
        best = None
        for at, size in enumerate(sizes):
            before = fewest[total - size] if size <= total else None
            if before is not None and (best is None or before[0] + 1 < best[0]):
                best = (before[0] + 1, at)
        fewest.append(best)
    counts, left = [0] * len(sizes), target
    while left and (step := fewest[left]) is not None:
        counts[step[1]] += 1
        left -= sizes[step[1]]
    return counts


def _plain(volume_ml: Decimal) -> str:
    shown = f"{volume_ml:,f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
