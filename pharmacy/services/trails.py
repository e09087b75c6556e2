"""Reading the audit trails a blinded person may read: pages, a filter, an export (E7).

What is shown comes from the stored canonical bytes of each entry, the bytes its hash covers;
names of people are looked up beside them. A trail is read up to the present moment. The
unblinded trail is no business of this room.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import audit, people, studies
from pharmacy.persistence.audit import INSTALLATION, AuditEntry
from pharmacy.services.act import Act
from pharmacy.services.spreadsheet import csv_bytes

PAGE_LENGTH = 50
_DIGEST = re.compile("[0-9a-f]{64}")
_UTC = ZoneInfo("UTC")
_CSV_HEADERS = (
    "number", "when_utc", "event", "who", "who_id", "subject", "old", "new", "reason",
    "leaf_sha256",
)  # fmt: skip


@dataclass(frozen=True)
class TrailLine:
    """One entry in words: `old` and `new` as `name: value` lines."""

    number: int
    when: str
    event: str
    who: str
    subject: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class TrailPage:
    """One page, newest first. `older` and `newer` are the numbers to page from, or None."""

    lines: tuple[TrailLine, ...]
    older: int | None
    newer: int | None


def installation_trail(
    act: Act, text: str = "", *, before: int | None = None, after: int | None = None
) -> TrailPage:
    """A page of the installation's trail: sign-ins, accounts, studies made."""
    act.permit(Permission.ADMINISTER)
    return _page(act, INSTALLATION, text, before, after)


def study_trail(
    act: Act, text: str = "", *, before: int | None = None, after: int | None = None
) -> TrailPage:
    """A page of a study's blinded trail; `text` is looked for in event and subject."""
    act.permit(Permission.READ_BLINDED_TRAIL)
    return _page(act, act.in_study.id, text, before, after)


def study_trail_csv(act: Act, text: str = "") -> bytes:
    """The study's blinded trail, oldest first, as CSV that is safe in a spreadsheet."""
    act.permit(Permission.READ_BLINDED_TRAIL)
    names = _Names(act)
    found = audit.page(
        act.uow.session,
        act.in_study.id,
        text=text,
        subjects=names.subjects(text),
        after=0,
        until=act.now,
    )
    return csv_bytes(_CSV_HEADERS, (_csv_row(entry, names) for entry in found))


def _page(
    act: Act, trail: str, text: str, before: int | None, after: int | None
) -> TrailPage:
    """One entry more than is shown is read, to know whether there is another page."""
    names = _Names(act)
    found = audit.page(
        act.uow.session,
        trail,
        text=text,
        subjects=names.subjects(text),
        before=before,
        after=after,
        most=PAGE_LENGTH + 1,
        until=act.now,
    )
    shown = found[:PAGE_LENGTH]
    more = len(found) > PAGE_LENGTH
    upwards = after is not None
    if upwards:
        shown = shown[::-1]
    return TrailPage(
        tuple(_line(entry, names) for entry in shown),
        older=shown[-1].seq if shown and (more or upwards) else None,
        newer=shown[0].seq if shown and (more if upwards else before is not None) else None,
    )


class _Names:
    """Words for the ids that entries carry."""

    def __init__(self, act: Act) -> None:
        session = act.uow.session
        self._people = {person.id: person for person in people.everybody(session)}
        self._studies = {
            study.id: f"{study.code} ({study.mode})" for study in studies.all_studies(session)
        }

    def subjects(self, text: str) -> list[str]:
        """The subjects whose name contains the text."""
        sought = text.strip().casefold()
        if not sought:
            return []
        named = [(f"study:{of}", code) for of, code in self._studies.items()]
        for of, person in self._people.items():
            named.append((f"person:{of}", f"{person.full_name} person {person.user_name}"))
        return [subject for subject, name in named if sought in name.casefold()]

    def who(self, person_id: str | None) -> str:
        """A person's name and user name; the program itself has no id."""
        person = self._people.get(person_id or "")
        if person is None:
            return "Nobody signed in"
        return f"{person.full_name} ({person.user_name})"

    def subject(self, subject: str) -> str:
        """`person:<id>` and `study:<id>` with the name; other subjects as they stand."""
        kind, _, of = subject.partition(":")
        if kind == "person" and of in self._people:
            return f"person {self._people[of].user_name}"
        if kind == "study" and of in self._studies:
            return f"study {self._studies[of]}"
        return f"{kind.replace('_', ' ')} {of}".strip()

    def words(self, value: object) -> str:
        """A value of an entry as words; a study by its code, a long digest shortened."""
        if value is None or value == [] or value == "":
            return "none"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, list):
            return ", ".join(self.words(part) for part in value)
        if isinstance(value, dict):
            return "; ".join(self.lines(value))
        text = self._studies.get(str(value), str(value))
        return f"{text[:16]}..." if _DIGEST.fullmatch(text) else text

    def lines(self, value: object) -> tuple[str, ...]:
        """What an entry holds, one line a name."""
        if value is None:
            return ()
        if not isinstance(value, dict):
            return (self.words(value),)
        return tuple(
            f"{name.replace('_', ' ')}: {self.words(part)}" for name, part in value.items()
        )


def _line(entry: AuditEntry, names: _Names) -> TrailLine:
    body = json.loads(entry.body)
    return TrailLine(
        number=entry.seq,
        when=format_moment(entry.at, _UTC),
        event=entry.event.replace("_", " ").capitalize(),
        who=names.who(entry.person_id),
        subject=names.subject(entry.subject),
        old=names.lines(body["old"]),
        new=names.lines(body["new"]),
        reason=body["reason"],
    )


def _csv_row(entry: AuditEntry, names: _Names) -> tuple[str, ...]:
    body = json.loads(entry.body)
    return (
        str(entry.seq),
        body["at"],
        entry.event,
        names.who(entry.person_id) if entry.person_id else "",
        entry.person_id or "",
        entry.subject,
        _json(body["old"]),
        _json(body["new"]),
        body["reason"],
        entry.leaf.hex(),
    )


def _json(value: object) -> str:
    return "" if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)
