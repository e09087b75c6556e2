"""The first schema of both sides."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pharmacy.persistence.types import ExactDecimal, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_head",
        sa.Column("trail", sa.String(length=40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("trail", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "operation",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("location", sa.String(length=300), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_name", sa.String(length=60), nullable=False),
        sa.Column("full_name", sa.String(length=120), nullable=False),
        sa.Column("initials", sa.String(length=6), nullable=False),
        sa.Column("administrator", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.String(length=256), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("user_name", name=op.f("uq_person_user_name")),
    )
    op.create_table(
        "study",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("mode IN ('practice', 'live')", name=op.f("ck_study_mode_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study")),
        sa.UniqueConstraint("code", name=op.f("uq_study_code")),
    )
    op.create_table(
        "throttle",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("wait_until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttle")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("trail", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=True),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["trail"], ["audit_head.trail"], name=op.f("fk_audit_entry_trail_audit_head")
        ),
        sa.PrimaryKeyConstraint("trail", "seq", name=op.f("pk_audit_entry")),
    )
    op.create_table(
        "lit_audit_head",
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(length=1032), nullable=False),
        sa.CheckConstraint(
            "length(frontier) = 1032", name=op.f("ck_lit_audit_head_frontier_length")
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_lit_audit_head_study_id_study")
        ),
        sa.PrimaryKeyConstraint("study_id", name=op.f("pk_lit_audit_head")),
    )
    op.create_table(
        "lit_holder_keys",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("exchange_public", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signing_public", sa.LargeBinary(length=32), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("private_record", sa.LargeBinary(length=8273), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "length(private_record) = 8273", name=op.f("ck_lit_holder_keys_private_record_length")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_lit_holder_keys_person_id_person")
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_lit_holder_keys")),
    )
    op.create_table(
        "lit_key_wrap",
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("recipient", sa.String(length=32), nullable=False),
        sa.Column("key_name", sa.String(length=10), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(length=80), nullable=False),
        sa.Column("granted_by", sa.String(length=32), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("opened", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "key_name IN ('list', 'record')", name=op.f("ck_lit_key_wrap_key_name_known")
        ),
        sa.CheckConstraint("length(signature) = 64", name=op.f("ck_lit_key_wrap_signature_length")),
        sa.CheckConstraint("length(wrapped) = 80", name=op.f("ck_lit_key_wrap_wrapped_length")),
        sa.ForeignKeyConstraint(
            ["granted_by"], ["person.id"], name=op.f("fk_lit_key_wrap_granted_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_lit_key_wrap_study_id_study")
        ),
        sa.PrimaryKeyConstraint(
            "study_id", "version", "recipient", "key_name", name=op.f("pk_lit_key_wrap")
        ),
    )
    op.create_table(
        "lit_list",
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("opening", sa.LargeBinary(length=114), nullable=False),
        sa.Column("slots_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("loaded_by", sa.String(length=32), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.CheckConstraint("length(commitment) = 32", name=op.f("ck_lit_list_commitment_length")),
        sa.CheckConstraint("length(opening) = 114", name=op.f("ck_lit_list_opening_length")),
        sa.CheckConstraint("length(signature) = 64", name=op.f("ck_lit_list_signature_length")),
        sa.CheckConstraint(
            "length(slots_digest) = 32", name=op.f("ck_lit_list_slots_digest_length")
        ),
        sa.ForeignKeyConstraint(
            ["loaded_by"], ["person.id"], name=op.f("fk_lit_list_loaded_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_lit_list_study_id_study")
        ),
        sa.PrimaryKeyConstraint("study_id", name=op.f("pk_lit_list")),
    )
    op.create_table(
        "lit_stratum",
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("stratum", sa.String(length=60), nullable=False),
        sa.Column("next_slot", sa.Integer(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_lit_stratum_study_id_study")
        ),
        sa.PrimaryKeyConstraint("study_id", "stratum", name=op.f("pk_lit_stratum")),
    )
    op.create_table(
        "lit_study_keys",
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("list_commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("record_commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("inbox_public", sa.LargeBinary(length=32), nullable=False),
        sa.Column("inbox_private", sa.LargeBinary(length=114), nullable=False),
        sa.Column("recovery_public", sa.LargeBinary(length=32), nullable=False),
        sa.Column("founder_id", sa.String(length=32), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.CheckConstraint(
            "length(inbox_private) = 114", name=op.f("ck_lit_study_keys_inbox_private_length")
        ),
        sa.CheckConstraint(
            "length(list_commitment) = 32", name=op.f("ck_lit_study_keys_list_commitment_length")
        ),
        sa.CheckConstraint(
            "length(record_commitment) = 32",
            name=op.f("ck_lit_study_keys_record_commitment_length"),
        ),
        sa.CheckConstraint(
            "length(signature) = 64", name=op.f("ck_lit_study_keys_signature_length")
        ),
        sa.ForeignKeyConstraint(
            ["founder_id"], ["person.id"], name=op.f("fk_lit_study_keys_founder_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_lit_study_keys_study_id_study")
        ),
        sa.PrimaryKeyConstraint("study_id", "version", name=op.f("pk_lit_study_keys")),
    )
    op.create_table(
        "membership",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "role IN ('pharmacist', 'checker', 'statistician', 'second_custodian', 'unblinded_monitor', 'destruction_witness', 'nurse', 'coordinator', 'investigator', 'outcome_assessor', 'blinded_monitor', 'sponsor_contact')",
            name=op.f("ck_membership_role_known"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_membership_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_membership_study_id_study")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
    )
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.create_index(
            "uq_membership_open",
            ["person_id", "study_id", "role"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "one_time_link",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_one_time_link_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_one_time_link_token_hash")),
    )
    op.create_table(
        "protocol_version",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("toml_text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_protocol_version_study_id_study")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protocol_version")),
        sa.UniqueConstraint(
            "study_id", "version", name=op.f("uq_protocol_version_study_id_version")
        ),
    )
    op.create_table(
        "sign_in_session",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("csrf_secret", sa.LargeBinary(length=32), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_sign_in_session_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_session_token_hash")),
    )
    op.create_table(
        "signature",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=True),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("printed_name", sa.String(length=120), nullable=False),
        sa.Column("meaning", sa.String(length=200), nullable=False),
        sa.Column("record_kind", sa.String(length=30), nullable=False),
        sa.Column("record_id", sa.String(length=32), nullable=False),
        sa.Column("record_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_signature_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_signature_study_id_study")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature")),
    )
    op.create_table(
        "site",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("pharmacy_name", sa.String(length=80), nullable=False),
        sa.Column("pharmacy_address", sa.String(length=120), nullable=False),
        sa.Column("pharmacy_phone", sa.String(length=30), nullable=False),
        sa.Column("unblinding_phone", sa.String(length=30), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("investigator_id", sa.String(length=32), nullable=True),
        sa.Column("investigator_name", sa.String(length=80), nullable=False),
        sa.Column("run_times", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["investigator_id"], ["person.id"], name=op.f("fk_site_investigator_id_person")
        ),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_site_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("study_id", "code", name=op.f("uq_site_study_id_code")),
    )
    op.create_table(
        "lit_audit_entry",
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(length=2129), nullable=False),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("length(body) = 2129", name=op.f("ck_lit_audit_entry_body_length")),
        sa.CheckConstraint("length(leaf) = 32", name=op.f("ck_lit_audit_entry_leaf_length")),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["lit_audit_head.study_id"],
            name=op.f("fk_lit_audit_entry_study_id_lit_audit_head"),
        ),
        sa.PrimaryKeyConstraint("study_id", "seq", name=op.f("pk_lit_audit_entry")),
    )
    op.create_table(
        "lit_session",
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("keys", sa.LargeBinary(length=4177), nullable=False),
        sa.CheckConstraint("length(keys) = 4177", name=op.f("ck_lit_session_keys_length")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_lit_session_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sign_in_session.id"],
            name=op.f("fk_lit_session_session_id_sign_in_session"),
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_lit_session_study_id_study")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_lit_session")),
    )
    op.create_table(
        "participant",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("consented_on", sa.Date(), nullable=False),
        sa.Column("registered_at", UtcDateTime(), nullable=False),
        sa.Column("registered_by", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "state IN ('registered', 'eligible', 'allocated', 'withdrawn')",
            name=op.f("ck_participant_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["registered_by"], ["person.id"], name=op.f("fk_participant_registered_by_person")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_participant_site_id_site")),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_participant_study_id_study")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participant")),
        sa.UniqueConstraint("study_id", "code", name=op.f("uq_participant_study_id_code")),
    )
    op.create_table(
        "allocation_request",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("participant_id", sa.String(length=32), nullable=False),
        sa.Column("signature_id", sa.String(length=32), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.Column("served_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name=op.f("fk_allocation_request_participant_id_participant"),
        ),
        sa.ForeignKeyConstraint(
            ["signature_id"],
            ["signature.id"],
            name=op.f("fk_allocation_request_signature_id_signature"),
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_allocation_request_study_id_study")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation_request")),
        sa.UniqueConstraint("participant_id", name=op.f("uq_allocation_request_participant_id")),
    )
    op.create_table(
        "card",
        sa.Column("body", sa.String(length=16), nullable=False),
        sa.Column("participant_id", sa.String(length=32), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participant.id"], name=op.f("fk_card_participant_id_participant")
        ),
        sa.PrimaryKeyConstraint("body", name=op.f("pk_card")),
    )
    op.create_table(
        "course_order",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("participant_id", sa.String(length=32), nullable=False),
        sa.Column("visit", sa.String(length=10), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("at_risk", sa.Boolean(), nullable=False),
        sa.Column("premedication", sa.String(length=200), nullable=False),
        sa.Column("signature_id", sa.String(length=32), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name=op.f("fk_course_order_participant_id_participant"),
        ),
        sa.ForeignKeyConstraint(
            ["signature_id"], ["signature.id"], name=op.f("fk_course_order_signature_id_signature")
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_course_order_study_id_study")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_order")),
        sa.UniqueConstraint("number", name=op.f("uq_course_order_number")),
        sa.UniqueConstraint(
            "participant_id", "visit", name=op.f("uq_course_order_participant_id_visit")
        ),
    )
    op.create_table(
        "lit_slot",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("stratum", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("slot_key", sa.LargeBinary(length=114), nullable=False),
        sa.Column("envelope", sa.LargeBinary(length=114), nullable=False),
        sa.Column("participant_id", sa.String(length=32), nullable=True),
        sa.CheckConstraint("length(envelope) = 114", name=op.f("ck_lit_slot_envelope_length")),
        sa.CheckConstraint("length(slot_key) = 114", name=op.f("ck_lit_slot_slot_key_length")),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name=op.f("fk_lit_slot_participant_id_participant"),
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_lit_slot_study_id_study")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lit_slot")),
        sa.UniqueConstraint("participant_id", name=op.f("uq_lit_slot_participant_id")),
        sa.UniqueConstraint(
            "study_id", "stratum", "number", name=op.f("uq_lit_slot_study_id_stratum_number")
        ),
    )
    op.create_table(
        "weight",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("participant_id", sa.String(length=32), nullable=False),
        sa.Column("weight_kg", ExactDecimal(), nullable=False),
        sa.Column("measured_on", sa.Date(), nullable=False),
        sa.Column("measured_by", sa.String(length=80), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("entered_by", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["person.id"], name=op.f("fk_weight_entered_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name=op.f("fk_weight_participant_id_participant"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weight")),
    )
    op.create_table(
        "course",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("participant_id", sa.String(length=32), nullable=False),
        sa.Column("order_id", sa.String(length=32), nullable=False),
        sa.Column("weight_id", sa.String(length=32), nullable=False),
        sa.Column("protocol_version_id", sa.String(length=32), nullable=False),
        sa.Column("visit", sa.String(length=10), nullable=False),
        sa.Column("plan_json", sa.Text(), nullable=False),
        sa.Column("planned_at", UtcDateTime(), nullable=False),
        sa.Column("planned_by", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["course_order.id"], name=op.f("fk_course_order_id_course_order")
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participant.id"],
            name=op.f("fk_course_participant_id_participant"),
        ),
        sa.ForeignKeyConstraint(
            ["planned_by"], ["person.id"], name=op.f("fk_course_planned_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["protocol_version_id"],
            ["protocol_version.id"],
            name=op.f("fk_course_protocol_version_id_protocol_version"),
        ),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_course_study_id_study")),
        sa.ForeignKeyConstraint(
            ["weight_id"], ["weight.id"], name=op.f("fk_course_weight_id_weight")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course")),
        sa.UniqueConstraint("order_id", name=op.f("uq_course_order_id")),
    )
    op.create_table(
        "infusion_day",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("course_id", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("run_at", UtcDateTime(), nullable=False),
        sa.Column("latest_start", UtcDateTime(), nullable=False),
        sa.Column("stop_by", UtcDateTime(), nullable=False),
        sa.CheckConstraint("day >= 1", name=op.f("ck_infusion_day_day_positive")),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_infusion_day_course_id_course")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_infusion_day")),
        sa.UniqueConstraint("course_id", "day", name=op.f("uq_infusion_day_course_id_day")),
    )
    op.create_table(
        "bag",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("day_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("of", sa.Integer(), nullable=False),
        sa.Column("volume_ml", ExactDecimal(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'released', 'received', 'started', 'ended', 'held', 'retired', 'returned', 'destroyed', 'lost')",
            name=op.f("ck_bag_state_known"),
        ),
        sa.CheckConstraint("number >= 1 AND number <= of", name=op.f("ck_bag_number_of")),
        sa.ForeignKeyConstraint(
            ["day_id"], ["infusion_day.id"], name=op.f("fk_bag_day_id_infusion_day")
        ),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_bag_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bag")),
        sa.UniqueConstraint("day_id", "number", name=op.f("uq_bag_day_id_number")),
    )
    op.create_table(
        "late_run",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("day_id", sa.String(length=32), nullable=False),
        sa.Column("from_run", UtcDateTime(), nullable=False),
        sa.Column("to_run", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.CheckConstraint(
            "reason IN ('not_ready', 'courier', 'participant', 'nurse')",
            name=op.f("ck_late_run_reason_known"),
        ),
        sa.ForeignKeyConstraint(
            ["day_id"], ["infusion_day.id"], name=op.f("fk_late_run_day_id_infusion_day")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_late_run")),
    )
    op.create_table(
        "administration",
        sa.Column("bag_id", sa.String(length=32), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("started_by", sa.String(length=32), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=32), nullable=True),
        sa.Column("infused_ml", ExactDecimal(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["bag_id"], ["bag.id"], name=op.f("fk_administration_bag_id_bag")),
        sa.ForeignKeyConstraint(
            ["ended_by"], ["person.id"], name=op.f("fk_administration_ended_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["started_by"], ["person.id"], name=op.f("fk_administration_started_by_person")
        ),
        sa.PrimaryKeyConstraint("bag_id", name=op.f("pk_administration")),
    )
    op.create_table(
        "bag_code",
        sa.Column("body", sa.String(length=16), nullable=False),
        sa.Column("bag_id", sa.String(length=32), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.CheckConstraint(
            "reason IN ('', 'smeared', 'misprinted', 'lost', 'printer', 'corrected')",
            name=op.f("ck_bag_code_reason_known"),
        ),
        sa.ForeignKeyConstraint(["bag_id"], ["bag.id"], name=op.f("fk_bag_code_bag_id_bag")),
        sa.PrimaryKeyConstraint("body", name=op.f("pk_bag_code")),
    )
    with op.batch_alter_table("bag_code", schema=None) as batch_op:
        batch_op.create_index(
            "uq_bag_code_open",
            ["bag_id"],
            unique=True,
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )

    op.create_table(
        "lit_bag_record",
        sa.Column("bag_id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("record", sa.LargeBinary(length=32849), nullable=False),
        sa.CheckConstraint("length(record) = 32849", name=op.f("ck_lit_bag_record_record_length")),
        sa.ForeignKeyConstraint(["bag_id"], ["bag.id"], name=op.f("fk_lit_bag_record_bag_id_bag")),
        sa.ForeignKeyConstraint(
            ["study_id"], ["study.id"], name=op.f("fk_lit_bag_record_study_id_study")
        ),
        sa.PrimaryKeyConstraint("bag_id", name=op.f("pk_lit_bag_record")),
    )
    op.create_table(
        "scan",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("bag_id", sa.String(length=32), nullable=True),
        sa.Column("code_body", sa.String(length=16), nullable=True),
        sa.Column("nurse_id", sa.String(length=32), nullable=False),
        sa.Column("method", sa.String(length=10), nullable=False),
        sa.Column("typed_reason", sa.String(length=30), nullable=False),
        sa.Column("scanned_at", UtcDateTime(), nullable=False),
        sa.Column("answer", sa.String(length=10), nullable=False),
        sa.Column("stop", sa.String(length=30), nullable=True),
        sa.Column("judged_at", UtcDateTime(), nullable=False),
        sa.Column("set_aside_at", UtcDateTime(), nullable=True),
        sa.Column("seen_by", sa.String(length=32), nullable=True),
        sa.CheckConstraint(
            "answer IN ('continue', 'go', 'resume', 'stop')", name=op.f("ck_scan_answer_known")
        ),
        sa.CheckConstraint("method IN ('scanner', 'typed')", name=op.f("ck_scan_method_known")),
        sa.ForeignKeyConstraint(["bag_id"], ["bag.id"], name=op.f("fk_scan_bag_id_bag")),
        sa.ForeignKeyConstraint(
            ["code_body"], ["bag_code.body"], name=op.f("fk_scan_code_body_bag_code")
        ),
        sa.ForeignKeyConstraint(["nurse_id"], ["person.id"], name=op.f("fk_scan_nurse_id_person")),
        sa.ForeignKeyConstraint(["seen_by"], ["person.id"], name=op.f("fk_scan_seen_by_person")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_scan_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan")),
    )


def downgrade() -> None:
    op.drop_table("scan")
    op.drop_table("lit_bag_record")
    with op.batch_alter_table("bag_code", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_bag_code_open",
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )

    op.drop_table("bag_code")
    op.drop_table("administration")
    op.drop_table("late_run")
    op.drop_table("bag")
    op.drop_table("infusion_day")
    op.drop_table("course")
    op.drop_table("weight")
    op.drop_table("lit_slot")
    op.drop_table("course_order")
    op.drop_table("card")
    op.drop_table("allocation_request")
    op.drop_table("participant")
    op.drop_table("lit_session")
    op.drop_table("lit_audit_entry")
    op.drop_table("site")
    op.drop_table("signature")
    op.drop_table("sign_in_session")
    op.drop_table("protocol_version")
    op.drop_table("one_time_link")
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_membership_open",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.drop_table("membership")
    op.drop_table("lit_study_keys")
    op.drop_table("lit_stratum")
    op.drop_table("lit_list")
    op.drop_table("lit_key_wrap")
    op.drop_table("lit_holder_keys")
    op.drop_table("lit_audit_head")
    op.drop_table("audit_entry")
    op.drop_table("throttle")
    op.drop_table("study")
    op.drop_table("person")
    op.drop_table("operation")
    op.drop_table("audit_head")
