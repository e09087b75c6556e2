"""The swap test: one script, worlds that differ in the arms and in everything that follows them."""
