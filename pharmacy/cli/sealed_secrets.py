"""Reading what is sealed to a study's recovery key, from a database or straight from a backup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pharmacy.cli.backup import a_sentence_if_refused, opened
from pharmacy.cli.starting import CannotStart
from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.errors import BadForm
from pharmacy.persistence.backup_check import examine
from pharmacy.persistence.backup_file import Reader
from pharmacy.unblinded import server_secrets
from pharmacy.unblinded.recovery_halves import FIELDS, Joined, join_sheets, number_of
from pharmacy.unblinded.secret_rotation import NEEDED_TO_RECOVER

Rows = Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True, repr=False)
class SealedFor:
    """One study's newest recovery key, what is sealed to it, and which secrets are known."""

    study_id: str
    mode: str
    public: bytes
    wrapped: Mapping[str, bytes]
    known: Mapping[str, bytes]

    @property
    def number(self) -> str:
        """The number on the sheets that are wanted."""
        return number_of(self.public)

    @property
    def named(self) -> str:
        """The number with the mode of its study: a code may be had twice."""
        return f"{self.number} ({self.mode} study)"


def rows_of_backup(file: Path) -> Rows:
    """The rows that are needed, of a backup that is whole."""
    with opened(file) as stream, a_sentence_if_refused():
        examine(stream)
        return _rows(stream)


def sealed_for(rows: Rows, code: str) -> tuple[SealedFor, ...]:
    """What the studies of this code have, the live one first: their sheets open the same secrets.

    CannotStart when there is no such study, or nothing is sealed to a key of it.
    """
    studies = [row for row in rows.get("study", []) if row["code"].upper() == code.upper()]
    if not studies:
        codes = ", ".join(sorted({row["code"] for row in rows.get("study", [])})) or "none"
        raise CannotStart(f"There is no study {code}; there is {codes}.")
    known = {row["setting"]: bytes(row["fingerprint"]) for row in rows.get("known_secret", [])}
    found = []
    for study in sorted(studies, key=lambda row: str(row["mode"])):
        keys = [key for key in rows.get("lit_recovery_key", []) if key["study_id"] == study["id"]]
        if keys:
            public = bytes(max(keys, key=lambda key: int(key["number"]))["public"])
            wrapped = {
                row["name"]: bytes(row["wrapped"])
                for row in rows.get("lit_server_secret", [])
                if row["study_id"] == study["id"]
            }
            found.append(SealedFor(study["id"], study["mode"], public, wrapped, known))
    if not found:
        raise CannotStart(f"Nothing is sealed to a recovery key of {code}.")
    return tuple(found)


def recovered(keys: tuple[SealedFor, ...], first: str, second: str) -> dict[str, bytes]:
    """The secrets by setting, opened with two sheets and compared with what is known of them.

    The sheets may be of any of the keys. CannotStart with the sentence of the sheet that is wrong,
    or when the secrets were changed after they were sealed.
    """
    sealed, joined = _joined(keys, first, second)
    found = {}
    for name, wrapped in sealed.wrapped.items():
        setting = server_secrets.SETTINGS[name][0]
        try:
            secret = server_secrets.opened(
                sealed.study_id, joined.private, sealed.public, name, wrapped
            )
        except CannotOpen:
            raise CannotStart(f"What is sealed as {setting} does not open.") from None
        fingerprint = server_secrets.fingerprint(name, secret)
        if sealed.known.get(setting, fingerprint) != fingerprint:
            raise CannotStart(
                f"{setting} was changed after it was sealed to this recovery key; take the sheets "
                "of another study, or an older backup."
            )
        found[setting] = secret
    if not {"TWINBAG_PEPPER", "TWINBAG_BREAK_KEY"} <= found.keys():
        raise CannotStart("Pepper and break key are not both sealed to this recovery key.")
    return found


def _joined(keys: tuple[SealedFor, ...], first: str, second: str) -> tuple[SealedFor, Joined]:
    """The key whose sheets these are, and its halves joined."""
    names = dict(zip(FIELDS, ("First sheet", "Second sheet"), strict=True))
    wrong = []
    for sealed in keys:
        try:
            return sealed, join_sheets(sealed.study_id, sealed.public, first, second)
        except BadForm as bad:
            said = " ".join(f"{names[field]}: {sentence}" for field, sentence in bad.errors.items())
            wrong.append(f"Recovery key {sealed.named}: {said}" if len(keys) > 1 else said)
    raise CannotStart("\n".join(wrong))


def _rows(stream: BinaryIO) -> Rows:
    stream.seek(0)
    found: dict[str, list[dict[str, Any]]] = {}
    for part in Reader(stream).tables():
        names = [name for name, _kind in part.columns]
        rows = [dict(zip(names, row, strict=True)) for row in part.rows]
        if part.name in NEEDED_TO_RECOVER:
            found[part.name] = rows
    return found
