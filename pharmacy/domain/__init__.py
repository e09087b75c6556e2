"""Decisions. Pure: no Flask, no SQL, no files, no clock, no chance."""
