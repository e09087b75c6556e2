"""Fixtures every test may ask for, and how hard Hypothesis looks."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["tests.support.databases"]

# No deadline: two busy cores say nothing about the code. `make deep` looks longer.
settings.register_profile("quick", deadline=None, derandomize=True)
settings.register_profile("deep", deadline=None, max_examples=2000)
settings.load_profile("quick")
