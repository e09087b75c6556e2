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
from pharmacy.unblinded.recovery_halves import FIELDS, join_sheets, number_of
from pharmacy.unblinded.secret_rotation import NEEDED_TO_RECOVER

Rows = Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True, repr=False)
class SealedFor:
    """One study's newest recovery key, what is sealed to it, and which secrets are known."""

    study_id: str
    public: bytes
    wrapped: Mapping[str, bytes]
    known: Mapping[str, bytes]

    @property
    def number(self) -> str:
        """The number on the sheets that are wanted."""
        return number_of(self.public)


def rows_of_backup(file: Path) -> Rows:
    """The rows that are needed, of a backup that is whole."""
    with opened(file) as stream, a_sentence_if_refused():
        examine(stream)
        return _rows(stream)


def sealed_for(rows: Rows, code: str) -> SealedFor:
    """What a study of this code has; CannotStart when there is no such study or nothing in it."""
    studies = [row["id"] for row in rows.get("study", []) if row["code"].upper() == code.upper()]
    if not studies:
        codes = ", ".join(sorted(row["code"] for row in rows.get("study", []))) or "none"
        raise CannotStart(f"There is no study {code}; there is {codes}.")
    found = [
        (key["number"], study_id, bytes(key["public"]))
        for study_id in studies
        for key in rows.get("lit_recovery_key", [])
        if key["study_id"] == study_id
    ]
    if not found:
        raise CannotStart(f"Nothing is sealed to a recovery key of {code}.")
    _number, study_id, public = max(found)
    wrapped = {
        row["name"]: bytes(row["wrapped"])
        for row in rows.get("lit_server_secret", [])
        if row["study_id"] == study_id
    }
    known = {row["setting"]: bytes(row["fingerprint"]) for row in rows.get("known_secret", [])}
    return SealedFor(study_id, public, wrapped, known)


def recovered(sealed: SealedFor, first: str, second: str) -> dict[str, bytes]:
    """The secrets by setting, opened with two sheets and compared with what is known of them.

    CannotStart with the sentence of the sheet that is wrong, or when the secrets were changed
    after they were sealed.
    """
    try:
        joined = join_sheets(sealed.study_id, sealed.public, first, second)
    except BadForm as wrong:
        names = dict(zip(FIELDS, ("First sheet", "Second sheet"), strict=True))
        said = (f"{names[field]}: {sentence}" for field, sentence in wrong.errors.items())
        raise CannotStart(" ".join(said)) from None
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


def _rows(stream: BinaryIO) -> Rows:
    stream.seek(0)
    found: dict[str, list[dict[str, Any]]] = {}
    for part in Reader(stream).tables():
        names = [name for name, _kind in part.columns]
        rows = [dict(zip(names, row, strict=True)) for row in part.rows]
        if part.name in NEEDED_TO_RECOVER:
            found[part.name] = rows
    return found
