"""Does an audit trail still say what it said: its numbers, leaves and frontier, recomputed.

Works on rows as they pass by, so that a database and a backup file are checked by the same rules.
"""

from __future__ import annotations

from pharmacy.domain.audit import Frontier, leaf_hash


class TrailCheck:
    """The trails of one kind; entries come in the order of trail and number, heads at any time."""

    def __init__(self) -> None:
        self._heads: dict[str, tuple[int, bytes]] = {}
        self._grown: dict[str, Frontier] = {}
        self._faults: list[str] = []

    def head(self, trail: str, size: int, frontier: bytes) -> None:
        """Where a trail says it stands; the frontier may be padded with zeros."""
        self._heads[trail] = size, bytes(frontier)

    def entry(self, trail: str, seq: int, body: bytes, leaf: bytes) -> None:
        """The next entry of a trail."""
        grown = self._grown.setdefault(trail, Frontier())
        if seq != grown.size + 1:
            self._faults.append(f"trail {trail}: entry {seq} stands where {grown.size + 1} belongs")
        if leaf_hash(body) != leaf:
            self._faults.append(f"trail {trail}: the hash of entry {seq} is not that of its words")
        grown.append(leaf_hash(body))

    def faults(self) -> list[str]:
        """What is wrong, one line each; empty when every trail is whole."""
        found = list(self._faults)
        for trail in sorted(self._grown.keys() - self._heads.keys()):
            found.append(f"trail {trail}: it has entries and no head")
        for trail, (size, frontier) in sorted(self._heads.items()):
            grown = self._grown.get(trail, Frontier())
            if size != grown.size:
                found.append(
                    f"trail {trail}: its head counts {size} entries, {grown.size} are there"
                )
            elif frontier != grown.to_bytes().ljust(len(frontier), b"\0"):
                found.append(f"trail {trail}: its head does not stand on these entries")
        return found
