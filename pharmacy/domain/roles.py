"""Who may do what: the role table, and which roles one person may hold in one study.

A person's blindness belongs to person and study. Blinded and unblinded roles never meet in one
person in one study (ICH E6(R3) 4.1; requirements E8, C6). The administrator is of the whole
installation and blinded everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pharmacy.domain.errors import Refusal


class Role(StrEnum):
    """A role a person holds in one study."""

    PHARMACIST = "pharmacist"
    CHECKER = "checker"
    STATISTICIAN = "statistician"
    SECOND_CUSTODIAN = "second_custodian"
    UNBLINDED_MONITOR = "unblinded_monitor"
    DESTRUCTION_WITNESS = "destruction_witness"
    NURSE = "nurse"
    COORDINATOR = "coordinator"
    INVESTIGATOR = "investigator"
    OUTCOME_ASSESSOR = "outcome_assessor"
    BLINDED_MONITOR = "blinded_monitor"
    SPONSOR_CONTACT = "sponsor_contact"


@dataclass(frozen=True)
class RoleFacts:
    """What a role is called, on which side it stands, and whether it has a page yet."""

    title: str
    blinded: bool
    has_page: bool


ROLES: dict[Role, RoleFacts] = {
    Role.PHARMACIST: RoleFacts("Pharmacist", blinded=False, has_page=True),
    Role.CHECKER: RoleFacts("Checker", blinded=False, has_page=True),
    Role.STATISTICIAN: RoleFacts("Statistician", blinded=False, has_page=True),
    Role.SECOND_CUSTODIAN: RoleFacts("Second custodian", blinded=False, has_page=False),
    Role.UNBLINDED_MONITOR: RoleFacts("Unblinded monitor", blinded=False, has_page=False),
    Role.DESTRUCTION_WITNESS: RoleFacts("Destruction witness", blinded=False, has_page=False),
    Role.NURSE: RoleFacts("Nurse", blinded=True, has_page=True),
    Role.COORDINATOR: RoleFacts("Coordinator", blinded=True, has_page=True),
    Role.INVESTIGATOR: RoleFacts("Investigator", blinded=True, has_page=True),
    Role.OUTCOME_ASSESSOR: RoleFacts("Outcome assessor", blinded=True, has_page=True),
    Role.BLINDED_MONITOR: RoleFacts("Blinded monitor", blinded=True, has_page=True),
    Role.SPONSOR_CONTACT: RoleFacts("Sponsor contact", blinded=True, has_page=True),
}


class Permission(StrEnum):
    """One act that a door asks for."""

    ADMINISTER = "administer"
    READ_BLINDED_TRAIL = "read_blinded_trail"
    SEE_PARTICIPANTS = "see_participants"
    ENROL = "enrol"
    SIGN_ORDERS = "sign_orders"
    REPORT_DEVIATIONS = "report_deviations"
    BREAK_CODE = "break_code"
    SEE_ASSESSMENTS = "see_assessments"
    ASSESS = "assess"
    READ_PROTOCOL = "read_protocol"
    APPROVE = "approve"
    CONFIRM_DEFAULTS = "confirm_defaults"
    SCAN = "scan"
    SEE_STOPS = "see_stops"
    SEE_NOTICES = "see_notices"
    SEE_DELIVERIES = "see_deliveries"
    SEE_BREAK_CARDS = "see_break_cards"
    ENTER_LIT_ROOM = "enter_lit_room"
    LOAD_LIST = "load_list"
    ENROL_HOLDERS = "enrol_holders"
    ENROL_INVESTIGATORS = "enrol_investigators"
    UNBLIND_FOR_SAFETY = "unblind_for_safety"
    SEE_SLOTS = "see_slots"
    RENEW_KEYS = "renew_keys"
    PREPARE = "prepare"
    CHECK = "check"
    WORK_AT_BENCH = "work_at_bench"
    KEEP_RECOVERY = "keep_recovery"
    SEE_STAGE = "see_stage"
    STATE_LOCK = "state_lock"
    END_STUDY = "end_study"
    REPORT_UNBLINDING = "report_unblinding"
    ASSESS_UNBLINDING = "assess_unblinding"


PERMISSIONS: dict[Permission, frozenset[Role]] = {
    Permission.ADMINISTER: frozenset(),
    Permission.READ_BLINDED_TRAIL: frozenset(
        {Role.BLINDED_MONITOR, Role.COORDINATOR, Role.INVESTIGATOR}
    ),
    Permission.SEE_PARTICIPANTS: frozenset(
        {Role.COORDINATOR, Role.INVESTIGATOR, Role.BLINDED_MONITOR}
    ),
    Permission.ENROL: frozenset({Role.COORDINATOR}),
    Permission.SIGN_ORDERS: frozenset({Role.INVESTIGATOR}),
    Permission.REPORT_DEVIATIONS: frozenset({Role.COORDINATOR, Role.INVESTIGATOR}),
    Permission.BREAK_CODE: frozenset({Role.INVESTIGATOR}),
    Permission.SEE_ASSESSMENTS: frozenset(
        {Role.OUTCOME_ASSESSOR, Role.INVESTIGATOR, Role.COORDINATOR, Role.BLINDED_MONITOR}
    ),
    Permission.ASSESS: frozenset({Role.OUTCOME_ASSESSOR, Role.INVESTIGATOR}),
    # Everybody in a study may read its protocol; a nurse's menu stays short.
    Permission.READ_PROTOCOL: frozenset(Role) - {Role.NURSE},
    Permission.APPROVE: frozenset(
        {Role.INVESTIGATOR, Role.SPONSOR_CONTACT, Role.PHARMACIST, Role.STATISTICIAN}
    ),
    Permission.CONFIRM_DEFAULTS: frozenset({Role.INVESTIGATOR, Role.PHARMACIST}),
    Permission.SCAN: frozenset({Role.NURSE}),
    Permission.SEE_STOPS: frozenset({Role.PHARMACIST, Role.CHECKER, Role.COORDINATOR}),
    Permission.SEE_NOTICES: frozenset(
        {
            Role.PHARMACIST,
            Role.CHECKER,
            Role.STATISTICIAN,
            Role.COORDINATOR,
            Role.SPONSOR_CONTACT,
        }
    ),
    Permission.SEE_DELIVERIES: frozenset({Role.PHARMACIST, Role.CHECKER, Role.COORDINATOR}),
    Permission.SEE_BREAK_CARDS: frozenset(
        {Role.PHARMACIST, Role.CHECKER, Role.COORDINATOR, Role.INVESTIGATOR}
    ),
    Permission.ENTER_LIT_ROOM: frozenset({Role.STATISTICIAN, Role.PHARMACIST, Role.CHECKER}),
    Permission.LOAD_LIST: frozenset({Role.STATISTICIAN}),
    Permission.ENROL_HOLDERS: frozenset({Role.STATISTICIAN, Role.PHARMACIST, Role.CHECKER}),
    Permission.ENROL_INVESTIGATORS: frozenset({Role.STATISTICIAN, Role.PHARMACIST}),
    Permission.KEEP_RECOVERY: frozenset({Role.STATISTICIAN, Role.PHARMACIST}),
    Permission.UNBLIND_FOR_SAFETY: frozenset({Role.STATISTICIAN, Role.PHARMACIST}),
    Permission.SEE_SLOTS: frozenset({Role.STATISTICIAN, Role.PHARMACIST}),
    Permission.RENEW_KEYS: frozenset({Role.STATISTICIAN, Role.PHARMACIST}),
    Permission.PREPARE: frozenset({Role.PHARMACIST}),
    Permission.CHECK: frozenset({Role.CHECKER}),
    Permission.WORK_AT_BENCH: frozenset({Role.PHARMACIST, Role.CHECKER}),
    Permission.SEE_STAGE: frozenset(Role),
    Permission.STATE_LOCK: frozenset(
        {Role.COORDINATOR, Role.INVESTIGATOR, Role.SPONSOR_CONTACT}
    ),
    Permission.END_STUDY: frozenset({Role.STATISTICIAN, Role.PHARMACIST}),
    Permission.REPORT_UNBLINDING: frozenset(role for role in Role if ROLES[role].blinded),
    Permission.ASSESS_UNBLINDING: frozenset({Role.STATISTICIAN, Role.PHARMACIST}),
}


def may(roles: frozenset[Role], permission: Permission) -> bool:
    """Whether one of these roles opens that door."""
    return not PERMISSIONS[permission].isdisjoint(roles)


def check_roles(roles: frozenset[Role]) -> None:
    """Refuse a set of roles that one person may not hold together in one study (status 409)."""
    for role in sorted(roles):
        if not ROLES[role].has_page:
            raise Refusal(f"{ROLES[role].title} has no page yet, so the role cannot be given.")
    if len({ROLES[role].blinded for role in roles}) > 1:
        raise Refusal(
            "One person cannot hold a blinded and an unblinded role in the same study. "
            "Give the roles to two people."
        )
    if Role.STATISTICIAN in roles and len(roles) > 1:
        raise Refusal("The statistician never dispenses. Give the other roles to somebody else.")
