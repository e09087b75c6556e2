"""What can go wrong in this room. No error quotes a key, a plaintext or a passphrase."""

from __future__ import annotations


class CannotOpen(Exception):
    """Something sealed did not open. Always the same words, whatever the reason was.

    Wrong key, wrong context, wrong length, a flipped bit and a forged commitment must look alike
    to whoever asked, or the difference becomes an oracle.
    """

    MESSAGE = "This sealed record cannot be opened."

    def __init__(self) -> None:
        super().__init__(self.MESSAGE)


class TooLong(ValueError):
    """A plaintext does not fit the one size of its kind of record."""

    def __init__(self, size: int) -> None:
        super().__init__(f"at most {size - 1} bytes fit into a record padded to {size} bytes")


class BadPublicKey(ValueError):
    """A public key is not 32 bytes, not canonical, or a point of low order."""

    def __init__(self) -> None:
        super().__init__("this public key is malformed and must not be used")


class WeakParameters(ValueError):
    """Key derivation was asked for below the floor, or above what one server can bear."""


class MistypedWords(ValueError):
    """Printed words were not typed as printed.

    `positions` counts from 1 and names the words to look at again; it is empty when the place
    could not be found. Neither the message nor the attributes contain a word.
    """

    def __init__(self, sentence: str, positions: tuple[int, ...] = ()) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.positions = positions
