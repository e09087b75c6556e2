"""Going live: the gates as they stand now, and two signatures that open a live study to people.

What the lit room knows comes through a function that the joined app hands in, and is asked in the
very act that goes live: a copy kept on the blinded side could have grown old.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pharmacy.domain.approving import SIDE_TITLES, Side, side_of
from pharmacy.domain.errors import Refusal
from pharmacy.domain.going_live import Facts, GateState, LitFacts, gates, missing
from pharmacy.domain.roles import Permission, may
from pharmacy.domain.site_time import format_day, format_moment
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import (
    approvals,
    authenticators,
    card_keeping,
    going_live,
    notices,
    people,
    studies,
)
from pharmacy.persistence.approvals import GoingLiveSignature
from pharmacy.persistence.studies import ProtocolVersion
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.services.protocol_approvals import SignedLine, sheet, signed_line
from pharmacy.services.signing import sign
from pharmacy.services.study_time import study_moment, study_zone

MEANING = "I have seen every gate open and sign that this study goes live."
WENT_LIVE = "study_went_live"
_PRACTICE = "A practice study never goes live. The live study of the same code does."
LitFactsOf = Callable[[Act], LitFacts]


@dataclass(frozen=True)
class GoingLivePage:
    """Where a study stands on its way to live. `live_since` is empty before.

    `may_sign` is whether the acting person's signature is awaited; it says nothing of the gates.
    """

    practice: bool
    live_since: str
    version: str
    fingerprint: str
    gates: tuple[GateState, ...]
    signatures: tuple[SignedLine, ...]
    may_sign: bool

    @property
    def open_gates(self) -> int:
        """How many gates are met."""
        return sum(state.met for state in self.gates)


def page(act: Act, lit_facts: LitFactsOf | None) -> GoingLivePage:
    """The gates and signatures of the act's study, for everybody in it."""
    version = studies.current_protocol(act.uow.session, act.in_study.id)
    signed = approvals.going_live(act.uow.session, version.id)
    since = going_live.went_live_at(act.uow.session, act.in_study.id)
    side = side_of(act.roles)
    return GoingLivePage(
        practice=act.in_study.practice,
        live_since=study_moment(act, since),
        version=version.version,
        fingerprint=version.sha256.hex(),
        gates=() if act.in_study.practice else gates(facts_of(act, lit_facts)),
        signatures=tuple(
            signed_line(act, SIDE_TITLES[one], signed.get(one.value)) for one in Side
        ),
        may_sign=(
            since is None
            and not act.in_study.practice
            and side is not None
            and side.value not in signed
            and may(act.roles, Permission.APPROVE)
        ),
    )


def sign_going_live(
    act: Act, lit_facts: LitFactsOf | None, fingerprint: str, password: str
) -> bool:
    """Sign for one's own side that the study goes live; with both sides signed, it does.

    Returns whether the study is live now. Once signed, signing again changes nothing. Refused
    (409): a practice study, a gate that is closed, another protocol version than the one shown, a
    side that somebody else has signed for. The wrong password: `WrongPassword`.
    """
    act.permit(Permission.APPROVE)
    side = side_of(act.roles)
    if side is None:
        raise Refusal("Your roles in this study sign on neither side.", status=403)
    if act.in_study.practice:
        raise Refusal(_PRACTICE)
    stages.admit(act, StudyAct.PROTOCOL, steps_on=True)
    session, study_id = act.uow.session, act.in_study.id
    version = studies.current_protocol(session, study_id)
    signed = approvals.going_live(session, version.id)
    mine = signed.get(side.value)
    if mine is not None and mine.person_id == act.person.id:
        return going_live.went_live_at(session, study_id) is not None
    if version.sha256.hex() != fingerprint:
        raise Refusal("The protocol is not the one that this page showed. Open the page again.")
    if mine is not None:
        raise Refusal(f"{mine.printed_name} has signed for this side already.")
    if any(other.person_id == act.person.id for other in signed.values()):
        raise Refusal("Two different people sign. You have signed for the other side.")
    states = gates(facts_of(act, lit_facts))
    closed = missing(states)
    if closed:
        raise Refusal(f"The study cannot go live yet: {'; '.join(closed)}.")
    _sign(act, version, side, states, password)
    if len(signed) + 1 < len(Side):
        return False
    going_live.go_live(session, study_id, act.now)
    act.record(WENT_LIVE, f"study:{study_id}", old="preparing", new={"mode": "live"})
    return True


def facts_of(act: Act, lit_facts: LitFactsOf | None) -> Facts:
    """Everything the gates ask, as it stands at this moment."""
    session, study_id, protocol = act.uow.session, act.in_study.id, sheet(act)
    zone = study_zone(act)
    taken = notices.test_notice_taken(session, study_id)
    drills = approvals.restore_drills(session, study_id)
    kept = card_keeping.newest(session, study_id)
    return Facts(
        approvals=sum(bool(line.when) for line in protocol.approvals),
        open_defaults=protocol.open_defaults,
        cards_kept=(
            f"{kept[0].pharmacy_place}; on call {kept[0].physician_name}, {kept[0].physician_phone}"
            if kept
            else ""
        ),
        sites_without_sponsor=sum(
            not site.sponsor_phone for site in studies.sites(session, study_id)
        ),
        test_notice_taken=format_moment(taken, zone) if taken else "",
        restore_drilled=(
            f"{format_day(drills[0][0].drilled_on)}, signed by {drills[0][1].printed_name}"
            if drills
            else ""
        ),
        demands_second_factor=act.surroundings.demands_second_factor,
        without_factor=_without_factor(act),
        lit=lit_facts(act) if lit_facts is not None else None,
    )


def _without_factor(act: Act) -> int:
    session, study_id = act.uow.session, act.in_study.id
    return sum(
        authenticators.of(session, person.id) is None
        for person in people.everybody(session)
        if person.left_at is None
        and (person.administrator or people.roles_of(session, person.id, study_id))
    )


def _sign(
    act: Act,
    version: ProtocolVersion,
    side: Side,
    states: tuple[GateState, ...],
    password: str,
) -> None:
    facts: dict[str, object] = {
        "side": side.value,
        "version": version.version,
        "sha256": version.sha256.hex(),
        "gates": {state.gate.value: state.shown for state in states},
    }
    signature = sign(act, password, MEANING, "going_live", act.in_study.id, facts)
    act.uow.session.add(
        GoingLiveSignature(version_id=version.id, side=side.value, signature_id=signature.id)
    )
    act.uow.session.flush()
    said = {**facts, "meaning": MEANING, "signature": signature.id}
    act.record("going_live_signed", f"study:{act.in_study.id}", new=said)
