"""Use cases of the blinded side, one public verb each."""
