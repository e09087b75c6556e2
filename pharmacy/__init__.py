"""Twinbag: the software of a blinded home-infusion research pharmacy."""
