"""`python -m pharmacy`: the operator commands."""

from __future__ import annotations

from pharmacy.cli import cli

if __name__ == "__main__":
    cli(prog_name="python -m pharmacy")
