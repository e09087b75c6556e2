"""All planted leaks: each a small violation in the product, which the comparison must find."""

from __future__ import annotations

from tests.architecture.swap.plants_around_unblinding import AROUND_UNBLINDING
from tests.architecture.swap.plants_at_the_bench import AT_THE_BENCH
from tests.architecture.swap.plants_on_pages import ON_PAGES

PLANTS = (*AT_THE_BENCH, *ON_PAGES, *AROUND_UNBLINDING)
