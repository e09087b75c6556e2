"""Approving a protocol version by two people of different sides, and confirming its defaults.

The signer reads the protocol as tables; what is signed is its fingerprint, with the version that
the page showed, so that nobody signs a text that was changed since.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pharmacy.domain.approving import SIDE_TITLES, Side, side_of
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.protocol import Protocol
from pharmacy.domain.protocol_parts import MarkedDefault
from pharmacy.domain.protocol_tables import Section, readable
from pharmacy.domain.roles import Permission, may
from pharmacy.domain.site_time import format_moment
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import approvals, studies
from pharmacy.persistence.approvals import DefaultConfirmation, ProtocolApproval
from pharmacy.persistence.signatures import Signature
from pharmacy.persistence.studies import ProtocolVersion
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.services.signing import sign
from pharmacy.services.studies import protocol_of
from pharmacy.services.study_time import study_moment, study_zone

APPROVE_MEANING = "I have read this protocol version and approve it for use in this study."
CONFIRM_MEANING = "I confirm the marked defaults that I ticked for this study."
_CHANGED = "The protocol is not the one that you read. Open its page again."


@dataclass(frozen=True)
class SignedLine:
    """A signature in words (F1); `when` is empty while it is missing."""

    title: str
    name: str = ""
    when: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class DefaultLine:
    """One marked default: its values, where they come from, and who confirmed it."""

    number: int
    item: str
    source: str
    settings: tuple[tuple[str, str], ...]
    confirmed: str


@dataclass(frozen=True)
class ProtocolSheet:
    """A protocol version as it is read and signed.

    `may_approve` and `may_confirm` are whether the acting person has something to sign here.
    """

    study_id: str
    code: str
    version: str
    fingerprint: str
    added: str
    sections: tuple[Section, ...]
    approvals: tuple[SignedLine, ...]
    defaults: tuple[DefaultLine, ...]
    may_approve: bool
    may_confirm: bool

    @property
    def approved(self) -> bool:
        """Whether both sides have signed."""
        return all(line.when for line in self.approvals)

    @property
    def open_defaults(self) -> int:
        """How many marked defaults nobody has confirmed."""
        return sum(not line.confirmed for line in self.defaults)


def sheet(act: Act) -> ProtocolSheet:
    """The newest protocol version of the act's study, for everybody in it."""
    version, protocol = protocol_of(act)
    signed = approvals.approvals(act.uow.session, version.id)
    side = side_of(act.roles)
    defaults = _default_lines(act, version, protocol)
    some_open = any(not line.confirmed for line in defaults)
    return ProtocolSheet(
        study_id=act.in_study.id,
        code=act.in_study.code,
        version=version.version,
        fingerprint=version.sha256.hex(),
        added=study_moment(act, version.added_at),
        sections=readable(protocol),
        approvals=tuple(signed_line(act, SIDE_TITLES[one], signed.get(one.value)) for one in Side),
        defaults=defaults,
        may_approve=side is not None and side.value not in signed,
        may_confirm=some_open and may(act.roles, Permission.CONFIRM_DEFAULTS),
    )


def approve(act: Act, fingerprint: str, password: str) -> None:
    """Sign the protocol version that was read, for one's own side; once signed, nothing changes.

    Refused (409): another version than the one read, and one that somebody else has signed for
    this side. The wrong password: `WrongPassword`.
    """
    act.permit(Permission.APPROVE)
    stages.admit(act, StudyAct.PROTOCOL)
    side, version = _own_side(act), _read_version(act, fingerprint)
    before = approvals.approvals(act.uow.session, version.id).get(side.value)
    if before is not None:
        if before.person_id == act.person.id:
            return
        raise Refusal(f"{before.printed_name} has signed for this side already.")
    facts: dict[str, object] = {"side": side.value, **_version_facts(act, version)}
    signature = sign(act, password, APPROVE_MEANING, "protocol_version", version.id, facts)
    act.uow.session.add(
        ProtocolApproval(version_id=version.id, side=side.value, signature_id=signature.id)
    )
    act.uow.session.flush()
    said = {**facts, "meaning": APPROVE_MEANING, "signature": signature.id}
    act.record("protocol_approved", f"study:{act.in_study.id}", new=said)


def confirm_defaults(act: Act, numbers: Collection[int], fingerprint: str, password: str) -> None:
    """Confirm marked defaults by one signature over each item with its values.

    Those already confirmed stay as they are. Refused: none chosen, or a number that the protocol
    does not have (`BadForm`), another version than the one read (409).
    """
    act.permit(Permission.CONFIRM_DEFAULTS)
    stages.admit(act, StudyAct.PROTOCOL)
    version = _read_version(act, fingerprint)
    marked = dict(enumerate(protocol_of(act)[1].marked_defaults, start=1))
    if not numbers or not set(numbers) <= set(marked):
        raise BadForm({"defaults": "Tick each marked default that you confirm."})
    done = approvals.confirmations(act.uow.session, version.id)
    still = sorted(set(numbers) - set(done))
    if not still:
        return
    facts = {**_version_facts(act, version), "defaults": [_said(n, marked[n]) for n in still]}
    signature = sign(act, password, CONFIRM_MEANING, "marked_defaults", version.id, facts)
    for number in still:
        row = DefaultConfirmation(version_id=version.id, number=number, signature_id=signature.id)
        act.uow.session.add(row)
    act.uow.session.flush()
    said = {**facts, "meaning": CONFIRM_MEANING, "signature": signature.id}
    act.record("defaults_confirmed", f"study:{act.in_study.id}", new=said)


def signed_line(act: Act, title: str, signature: Signature | None) -> SignedLine:
    """A signature in words, or the place that is left for it."""
    if signature is None:
        return SignedLine(title)
    when = study_moment(act, signature.at)
    return SignedLine(title, signature.printed_name, when, signature.meaning)


def _own_side(act: Act) -> Side:
    side = side_of(act.roles)
    if side is None:
        raise Refusal("Your roles in this study sign on neither side.", status=403)
    return side


def _read_version(act: Act, fingerprint: str) -> ProtocolVersion:
    version = studies.current_protocol(act.uow.session, act.in_study.id)
    if version.sha256.hex() != fingerprint:
        raise Refusal(_CHANGED)
    return version


def _version_facts(act: Act, version: ProtocolVersion) -> dict[str, object]:
    return {
        "code": act.in_study.code,
        "version": version.version,
        "sha256": version.sha256.hex(),
    }


def _said(number: int, default: MarkedDefault) -> dict[str, object]:
    settings = [list(pair) for pair in default.settings]
    return {"number": number, "item": default.item, "settings": settings}


def _default_lines(
    act: Act, version: ProtocolVersion, protocol: Protocol
) -> tuple[DefaultLine, ...]:
    done = approvals.confirmations(act.uow.session, version.id)
    zone, lines = study_zone(act), []
    for number, default in enumerate(protocol.marked_defaults, start=1):
        signature = done.get(number)
        confirmed = ""
        if signature is not None:
            confirmed = f"{signature.printed_name}, {format_moment(signature.at, zone)}"
        settings = tuple(
            line for path, value in default.settings for line in _setting(path, value)
        )
        lines.append(DefaultLine(number, default.item, default.source, settings, confirmed))
    return tuple(lines)


def _setting(path: str, value: str) -> list[tuple[str, str]]:
    """A field and its value in words, a list by its entries: weight, minimum kg is `30`."""
    name, entries = path.replace(".", ", ").replace("_", " "), value.replace("_", " ").split("; ")
    if len(entries) == 1:
        return [(name, entries[0])]
    return [(f"{name} {number}", entry) for number, entry in enumerate(entries, start=1)]
