"""Check the archive of a closed study: its hashes, its two audit trails, its signatures.

This one file works by itself, on any computer with Python 3.11 or newer, and imports nothing of
the program that made the archive:  python verify.py ARCHIVE.zip

The signatures are Ed25519 and need the library `cryptography` (pip install cryptography). Without
it everything else is checked, and the missing check is said. Compare the six words of each signer
with those that were printed when their keys were made: a file could name any key.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import zipfile
from dataclasses import dataclass
from typing import Any

FORM = "twinbag-archive-1"
MANIFEST, SIGNATURES = "manifest.json", "signatures.json"
BLINDED, UNBLINDED = "trails/blinded.jsonl", "trails/unblinded.jsonl"
SEALED, HEADS = "trails/unblinded_sealed.jsonl", "trails/heads.json"
MOST_BYTES = 512 * 1024 * 1024
NEEDED_SIGNERS = 2


@dataclass(frozen=True)
class Found:
    """What a check found: sentences about what is wrong, and who signed with which six words."""

    problems: tuple[str, ...]
    signers: tuple[tuple[str, str], ...]
    files: int


def check(packed: bytes) -> Found:
    """Check the bytes of an archive; whatever cannot be read is a problem, never an exception."""
    try:
        files = _unpacked(packed)
        manifest = json.loads(files[MANIFEST])
        problems = _wrong_files(files, manifest)
        if not problems:
            problems = [*_wrong_trails(files), *_wrong_signatures(files, manifest)]
        signers = json.loads(files[SIGNATURES])["signatures"]
        said = tuple((str(one["name"]), str(one["six_words"])) for one in signers)
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile, UnicodeDecodeError):
        return Found(("This is no archive of a closed study, or it is damaged.",), (), 0)
    return Found(tuple(problems), said, len(files))


def signed_bytes(study_id: str, manifest: bytes) -> bytes:
    """What each signer signs: the manifest, bound to its purpose and study."""
    purpose = _parts("study-archive", study_id)
    return _parts("signature", purpose, manifest)


def merkle_root(leaves: list[bytes]) -> bytes:
    """The root of an RFC 6962 Merkle tree over the hashes of its leaves."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = merkle_root(leaves[:half]), merkle_root(leaves[half:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def _unpacked(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise ValueError("too large")
        if len({entry.filename for entry in entries}) != len(entries):
            raise ValueError("a name stands twice")
        return {entry.filename: archive.read(entry) for entry in entries}


def _wrong_files(files: dict[str, bytes], manifest: dict[str, Any]) -> list[str]:
    if manifest["form"] != FORM:
        return ["The manifest is of another kind."]
    listed = {str(one["name"]): one for one in manifest["files"]}
    there = files.keys() - {MANIFEST, SIGNATURES}
    found = [f"{name} is missing." for name in sorted(listed.keys() - there)]
    found += [f"{name} is not in the manifest." for name in sorted(there - listed.keys())]
    for name in sorted(listed.keys() & there):
        if hashlib.sha256(files[name]).hexdigest() != listed[name]["sha256"]:
            found.append(f"{name} was changed: its hash is not the manifest's.")
    return found


def _wrong_trails(files: dict[str, bytes]) -> list[str]:
    heads = json.loads(files[HEADS])
    blinded, sealed = _lines(files[BLINDED]), _lines(files[SEALED])
    found = _wrong_trail(
        "blinded", blinded, [str(line["body"]).encode() for line in blinded], heads["blinded"]
    )
    found += _wrong_trail(
        "unblinded",
        sealed,
        [base64.b64decode(line["sealed"]) for line in sealed],
        heads["unblinded"],
    )
    opened = [(line["seq"], line["leaf"]) for line in _lines(files[UNBLINDED])]
    if opened != [(line["seq"], line["leaf"]) for line in sealed]:
        found.append("The opened unblinded trail has other entries than the sealed one.")
    return found


def _wrong_trail(
    name: str, lines: list[dict[str, Any]], bodies: list[bytes], head: dict[str, Any]
) -> list[str]:
    found, leaves = [], []
    for number, (line, body) in enumerate(zip(lines, bodies, strict=True), start=1):
        leaf = hashlib.sha256(b"\x00" + body).digest()
        leaves.append(leaf)
        if line["seq"] != number:
            found.append(f"The {name} trail has a gap before entry {line['seq']}.")
        if line["leaf"] != leaf.hex():
            found.append(f"Entry {line['seq']} of the {name} trail was changed.")
    if (len(leaves), merkle_root(leaves).hex()) != (head["size"], head["root"]):
        found.append(f"The {name} trail does not lead to the head that was signed.")
    return found


def _wrong_signatures(files: dict[str, bytes], manifest: dict[str, Any]) -> list[str]:
    signatures = json.loads(files[SIGNATURES])["signatures"]
    if len({one["signing_public"] for one in signatures}) < NEEDED_SIGNERS:
        return ["Two different people must have signed, and they have not."]
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return ["The signatures were not checked: install cryptography."]
    said, found = signed_bytes(str(manifest["study_id"]), files[MANIFEST]), []
    for one in signatures:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(one["signing_public"]))
        try:
            key.verify(bytes.fromhex(one["signature"]), said)
        except InvalidSignature:
            found.append(f"The signature of {one['name']} does not hold.")
    return found


def _lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.decode().split("\n") if line]


def _parts(*values: str | bytes) -> bytes:
    """Each part as one type letter, its length in four bytes, and its value."""
    written = b""
    for value in values:
        letter, part = (b"t", value.encode()) if isinstance(value, str) else (b"b", value)
        written += letter + len(part).to_bytes(4, "big") + part
    return written


def main() -> int:
    """Check the archive that is named on the command line and say what was found."""
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    with open(sys.argv[1], "rb") as file:
        found = check(file.read())
    for problem in found.problems:
        print(problem)
    if not found.problems:
        print(f"{found.files} files, both trails and all signatures fit.")
    for name, words in found.signers:
        print(f"Signed by {name}: {words}")
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())
