"""How fast things are, as ratios against a floor in the same run: `python -m tests.bench`."""
