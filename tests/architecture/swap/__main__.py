"""`make swap`: the swap test alone, ending with one line."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from pharmacy.persistence.migrating import upgrade
from tests.architecture.swap.channels import CHANNELS
from tests.architecture.swap.plants import PLANTS
from tests.architecture.swap.runs import found_by_the_swap, run, undriven
from tests.architecture.swap.surfaces import Differs
from tests.architecture.swap.worlds import balanced, unbalanced


def main() -> int:
    """Every world, every plant; 0 when the worlds are alike and every plant is found."""
    with tempfile.TemporaryDirectory() as folder:
        template, made = Path(folder) / "template.db", iter(range(10**6))
        upgrade(f"sqlite:///{template}")

        def new_database() -> str:
            path = Path(folder) / f"world{next(made)}.db"
            shutil.copyfile(template, path)
            return f"sqlite:///{path}"

        worlds = [*balanced(), *unbalanced()]
        first = run(worlds[0], new_database)
        missing = sorted(undriven(first))
        print(f"{worlds[0].name}: the first, with which the others are compared")
        for world in worlds[1:]:
            try:
                run(world, new_database, against=first.transcript)
            except Differs as differs:
                print(f"{world.name}: {differs}")
                return 1
            print(f"{world.name}: alike")
        found = 0
        for plant in PLANTS:
            where = found_by_the_swap(plant, new_database)
            found += plant.where in where
            print(f"{plant.name}: {where[:160] or 'NOT FOUND'}")
        for channel in CHANNELS:
            if not channel.plants:
                print(f"{channel.name}, not by comparison: {channel.elsewhere}")
    for endpoint, method in missing:
        print(f"not driven: {method} {endpoint}")
    print(
        f"swap: {len(worlds)} worlds, {len(first.steps)} steps, "
        f"{len(first.transcript.driven)} blinded routes, "
        f"{len(first.transcript.seen)} surfaces compared in each, "
        f"planted leaks found {found} of {len(PLANTS)}"
    )
    return 0 if found == len(PLANTS) and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
