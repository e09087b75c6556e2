"""The tests of the house, a folder per room."""
