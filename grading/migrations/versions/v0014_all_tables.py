"""All tables, as the fourteen revisions before the first release left them."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chain", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.String(32)),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("subject_type", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("aside", sa.JSON(none_as_null=True)),
        sa.Column("erased_at", sa.DateTime(timezone=True)),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entry"),
        sa.UniqueConstraint("chain", "number", name="uq_audit_entry_chain_number"),
    )
    op.create_index("ix_audit_entry_actor_id", "audit_entry", ["actor_id"])
    op.create_index("ix_audit_entry_subject_id", "audit_entry", ["subject_id"])
    op.create_table(
        "audit_head",
        sa.Column("chain", sa.String(32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_audit_head"),
    )
    op.create_table(
        "bulk_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ids", sa.Integer(), nullable=False),
        sa.CheckConstraint("ids > 0", name=op.f("ck_bulk_check_ids")),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_check"),
    )
    op.create_index("ix_bulk_check_key_at", "bulk_check", ["key", "at"])
    op.create_table(
        "doomed_file",
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_doomed_file"),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("topic", sa.String(60), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("worker", sa.String(80)),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed')", name=op.f("ck_job_state")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sa.UniqueConstraint("key", name="uq_job_key"),
    )
    op.create_index("ix_job_state_run_at", "job", ["state", "run_at"])
    op.create_table(
        "person",
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.Column("administrator", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("time_zone", sa.String(64)),
        sa.Column("theme", sa.String(10), nullable=False),
        sa.Column("single_keys", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint("theme IN ('system', 'light', 'dark')", name=op.f("ck_person_theme")),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("email", name="uq_person_email"),
    )
    op.create_table(
        "public_view",
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("public_id", "on", name="pk_public_view"),
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_attempt"),
    )
    op.create_index("ix_sign_in_attempt_key_at", "sign_in_attempt", ["key", "at"])
    op.create_table(
        "sponsor",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("issuer_name", sa.String(200), nullable=False, server_default=""),
        sa.Column("signatories", sa.JSON(), nullable=False, server_default=sa.text("'[]'")),
        sa.Column("logo_key", sa.String(200)),
        sa.Column("logo_kind", sa.String(20)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sponsor"),
        sa.UniqueConstraint("name", name="uq_sponsor_name"),
    )
    op.create_table(
        "disclosure",
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("recipient", sa.String(300), nullable=False),
        sa.Column("ground", sa.String(20), nullable=False),
        sa.Column("by_id", sa.String(32)),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "ground IN ('consent', 'request', 'contract', 'law')", name=op.f("ck_disclosure_ground")
        ),
        sa.CheckConstraint(
            "what IN ('record_page', 'credential_file', 'credentials', 'export', 'transcript')",
            name=op.f("ck_disclosure_what"),
        ),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name="fk_disclosure_by_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_disclosure_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_disclosure"),
    )
    op.create_index("ix_disclosure_person_id", "disclosure", ["person_id"])
    op.create_table(
        "erasure_request",
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("asked_by_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decide_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prepared_by_id", sa.String(32)),
        sa.Column("prepared_at", sa.DateTime(timezone=True)),
        sa.Column("ended_by_id", sa.String(32)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("answer", sa.Text()),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "state IN ('asked', 'prepared') OR ended_at IS NOT NULL",
            name=op.f("ck_erasure_request_ended"),
        ),
        sa.CheckConstraint(
            "state IN ('asked', 'prepared', 'done', 'refused', 'withdrawn')",
            name=op.f("ck_erasure_request_state"),
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["person.id"], name="fk_erasure_request_asked_by_id"
        ),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["person.id"], name="fk_erasure_request_ended_by_id"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_erasure_request_person_id"),
        sa.ForeignKeyConstraint(
            ["prepared_by_id"], ["person.id"], name="fk_erasure_request_prepared_by_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_erasure_request"),
    )
    op.create_index("ix_erasure_request_person_id", "erasure_request", ["person_id"])
    op.create_index(
        "uq_erasure_request_pending",
        "erasure_request",
        ["person_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('asked', 'prepared')"),
        postgresql_where=sa.text("state IN ('asked', 'prepared')"),
    )
    op.create_table(
        "kept_transcript",
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("keep_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_kept_transcript_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_kept_transcript"),
        sa.UniqueConstraint("person_id", name="uq_kept_transcript_person_id"),
    )
    op.create_table(
        "partner",
        sa.Column("sponsor_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("address", sa.String(400), nullable=False),
        sa.Column("gets", sa.String(20), nullable=False),
        sa.Column("pathway", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint("gets IN ('program', 'capstone', 'all')", name=op.f("ck_partner_gets")),
        sa.CheckConstraint("kind IN ('https', 'mail')", name=op.f("ck_partner_kind")),
        sa.ForeignKeyConstraint(["sponsor_id"], ["sponsor.id"], name="fk_partner_sponsor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_partner"),
    )
    op.create_index("ix_partner_sponsor_id", "partner", ["sponsor_id"])
    op.create_table(
        "passkey",
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("party", sa.String(253), nullable=False),
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("synced", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.Column("removed_at", sa.DateTime(timezone=True)),
        sa.Column("removed_by", sa.String(32)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint("sign_count >= 0", name=op.f("ck_passkey_sign_count")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_passkey_person_id"),
        sa.ForeignKeyConstraint(["removed_by"], ["person.id"], name="fk_passkey_removed_by"),
        sa.PrimaryKeyConstraint("id", name="pk_passkey"),
        sa.UniqueConstraint("credential", name="uq_passkey_credential"),
    )
    op.create_index("ix_passkey_person_id", "passkey", ["person_id"])
    op.create_table(
        "password_reset",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_password_reset_person_id"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_password_reset"),
    )
    op.create_index("ix_password_reset_person_id", "password_reset", ["person_id"])
    op.create_table(
        "personal_export",
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("asked_by_id", sa.String(32), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(200)),
        sa.Column("size", sa.Integer()),
        sa.Column("ready_at", sa.DateTime(timezone=True)),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "state <> 'ready' OR (key IS NOT NULL AND expires_at IS NOT NULL)",
            name=op.f("ck_personal_export_ready"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'ready', 'expired')", name=op.f("ck_personal_export_state")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["person.id"], name="fk_personal_export_asked_by_id"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_personal_export_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_personal_export"),
    )
    op.create_index("ix_personal_export_person_id", "personal_export", ["person_id"])
    op.create_index(
        "uq_personal_export_waiting",
        "personal_export",
        ["person_id", "asked_by_id"],
        unique=True,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "program",
        sa.Column("sponsor_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("capstone_title", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entitlement_required", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("retake_terms", sa.Text(), nullable=False, server_default=""),
        sa.Column("capstone_hours", sa.Double()),
        sa.Column("hours_approver", sa.String(200), nullable=False, server_default=""),
        sa.Column("provider_number", sa.String(100), nullable=False, server_default=""),
        sa.Column("valid_months", sa.Integer()),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["sponsor_id"], ["sponsor.id"], name="fk_program_sponsor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_program"),
        sa.UniqueConstraint("sponsor_id", "name", name="uq_program_sponsor_id_name"),
    )
    op.create_table(
        "sign_in_link",
        sa.Column("issuer", sa.String(400), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_sign_in_link_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_link"),
        sa.UniqueConstraint("issuer", "subject", name="uq_sign_in_link_issuer_subject"),
    )
    op.create_index("ix_sign_in_link_person_id", "sign_in_link", ["person_id"])
    op.create_table(
        "signing_key",
        sa.Column("sponsor_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("did", sa.String(255), nullable=False),
        sa.Column("fragment", sa.String(80), nullable=False),
        sa.Column("public", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "(state = 'active') = (ended_at IS NULL)", name=op.f("ck_signing_key_ended")
        ),
        sa.CheckConstraint("kind IN ('ed25519', 'rsa')", name=op.f("ck_signing_key_kind")),
        sa.CheckConstraint(
            "state IN ('active', 'retired', 'withdrawn')", name=op.f("ck_signing_key_state")
        ),
        sa.ForeignKeyConstraint(["sponsor_id"], ["sponsor.id"], name="fk_signing_key_sponsor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_signing_key"),
        sa.UniqueConstraint("sponsor_id", "fragment", name="uq_signing_key_sponsor_id_fragment"),
    )
    op.create_index(
        "uq_signing_key_active",
        "signing_key",
        ["sponsor_id", "kind"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "sponsor_member",
        sa.Column("sponsor_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_sponsor_member_person_id"),
        sa.ForeignKeyConstraint(
            ["sponsor_id"], ["sponsor.id"], name="fk_sponsor_member_sponsor_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sponsor_member"),
        sa.UniqueConstraint(
            "sponsor_id", "person_id", name="uq_sponsor_member_sponsor_id_person_id"
        ),
    )
    op.create_index("ix_sponsor_member_person_id", "sponsor_member", ["person_id"])
    op.create_table(
        "status_list",
        sa.Column("sponsor_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(400), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", sa.JSON(none_as_null=True)),
        sa.Column("signed_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["sponsor_id"], ["sponsor.id"], name="fk_status_list_sponsor_id"),
        sa.PrimaryKeyConstraint("id", name="pk_status_list"),
        sa.UniqueConstraint("sponsor_id", "number", name="uq_status_list_sponsor_id_number"),
        sa.UniqueConstraint("url", name="uq_status_list_url"),
    )
    op.create_table(
        "brief",
        sa.Column("program_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("example", sa.Text(), nullable=False, server_default=""),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name="fk_brief_program_id"),
        sa.PrimaryKeyConstraint("id", name="pk_brief"),
        sa.UniqueConstraint("program_id", "version", name="uq_brief_program_id_version"),
    )
    op.create_table(
        "course",
        sa.Column("program_id", sa.String(32), nullable=False),
        sa.Column("code", sa.String(60), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("equivalents", sa.JSON(), nullable=False, server_default=sa.text("'[]'")),
        sa.Column("expires_months", sa.Integer()),
        sa.Column("hours", sa.Double()),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name="fk_course_program_id"),
        sa.PrimaryKeyConstraint("id", name="pk_course"),
        sa.UniqueConstraint("program_id", "code", name="uq_course_program_id_code"),
    )
    op.create_table(
        "credential_record",
        sa.Column("program_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shared_at", sa.DateTime(timezone=True)),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("replaced_at", sa.DateTime(timezone=True)),
        sa.Column("replaces_id", sa.String(32)),
        sa.Column("expires_on", sa.Date()),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "(state = 'replaced') = (replaced_at IS NOT NULL)",
            name=op.f("ck_credential_record_replaced"),
        ),
        sa.CheckConstraint(
            "state <> 'revoked' OR revoked_at IS NOT NULL",
            name=op.f("ck_credential_record_revoked"),
        ),
        sa.CheckConstraint(
            "state IN ('valid', 'replaced', 'revoked')", name=op.f("ck_credential_record_state")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_credential_record_person_id"
        ),
        sa.ForeignKeyConstraint(
            ["program_id"], ["program.id"], name="fk_credential_record_program_id"
        ),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["credential_record.id"], name="fk_credential_record_replaces_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_credential_record"),
        sa.UniqueConstraint("public_id", name="uq_credential_record_public_id"),
        sa.UniqueConstraint("replaces_id", name="uq_credential_record_replaces_id"),
    )
    op.create_index("ix_credential_record_person_id", "credential_record", ["person_id"])
    op.create_index(
        "uq_credential_record_in_force",
        "credential_record",
        ["program_id", "person_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'replaced'"),
        postgresql_where=sa.text("state <> 'replaced'"),
    )
    op.create_table(
        "rubric_version",
        sa.Column("program_id", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'published')", name=op.f("ck_rubric_version_state")),
        sa.ForeignKeyConstraint(
            ["program_id"], ["program.id"], name="fk_rubric_version_program_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rubric_version"),
        sa.UniqueConstraint("program_id", "digest", name="uq_rubric_version_program_id_digest"),
        sa.UniqueConstraint(
            "program_id", "name", "number", name="uq_rubric_version_program_id_name_number"
        ),
    )
    op.create_table(
        "cohort",
        sa.Column("program_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("brief_id", sa.String(32), nullable=False),
        sa.Column("rubric_version_id", sa.String(32), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("peers_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("grading_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("results_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("allocated_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("looked_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint("state IN ('preparing', 'open', 'ended')", name=op.f("ck_cohort_state")),
        sa.CheckConstraint(
            "opens_at < due_at AND due_at <= closes_at AND due_at <= peers_due_at AND peers_due_at <= grading_due_at AND grading_due_at <= results_at",
            name=op.f("ck_cohort_calendar"),
        ),
        sa.ForeignKeyConstraint(["brief_id"], ["brief.id"], name="fk_cohort_brief_id"),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name="fk_cohort_program_id"),
        sa.ForeignKeyConstraint(
            ["rubric_version_id"], ["rubric_version.id"], name="fk_cohort_rubric_version_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_cohort"),
        sa.UniqueConstraint("program_id", "name", name="uq_cohort_program_id_name"),
    )
    op.create_table(
        "completion",
        sa.Column("course_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("completed_on", sa.Date(), nullable=False),
        sa.Column("identity_assurance", sa.String(30), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("via", sa.String(60)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "identity_assurance IN ('document', 'proctored', 'institutional_sign_in', 'attested')",
            name=op.f("ck_completion_identity_assurance"),
        ),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name="fk_completion_course_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_completion_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_completion"),
        sa.UniqueConstraint("course_id", "person_id", name="uq_completion_course_id_person_id"),
    )
    op.create_index("ix_completion_course_id", "completion", ["course_id"])
    op.create_index("ix_completion_person_id", "completion", ["person_id"])
    op.create_table(
        "entitlement",
        sa.Column("program_id", sa.String(32), nullable=False),
        sa.Column("course_id", sa.String(32)),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "state IN ('paid', 'waived', 'sponsored', 'refunded')",
            name=op.f("ck_entitlement_state"),
        ),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name="fk_entitlement_course_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_entitlement_person_id"),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name="fk_entitlement_program_id"),
        sa.PrimaryKeyConstraint("id", name="pk_entitlement"),
        sa.UniqueConstraint(
            "program_id",
            "person_id",
            "course_id",
            name="uq_entitlement_program_id_person_id_course_id",
        ),
    )
    op.create_index("ix_entitlement_person_id", "entitlement", ["person_id"])
    op.create_index(
        "uq_entitlement_capstone",
        "entitlement",
        ["program_id", "person_id"],
        unique=True,
        sqlite_where=sa.text("course_id IS NULL"),
        postgresql_where=sa.text("course_id IS NULL"),
    )
    op.create_table(
        "partner_consent",
        sa.Column("partner_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("record_id", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("credential_ids", sa.JSON(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name="fk_partner_consent_partner_id"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_partner_consent_person_id"),
        sa.ForeignKeyConstraint(
            ["record_id"], ["credential_record.id"], name="fk_partner_consent_record_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_partner_consent"),
    )
    op.create_index("ix_partner_consent_partner_id", "partner_consent", ["partner_id"])
    op.create_index("ix_partner_consent_person_id", "partner_consent", ["person_id"])
    op.create_index("ix_partner_consent_record_id", "partner_consent", ["record_id"])
    op.create_index(
        "uq_partner_consent_given",
        "partner_consent",
        ["partner_id", "person_id"],
        unique=True,
        sqlite_where=sa.text("withdrawn_at IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "share_link",
        sa.Column("record_id", sa.String(32), nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("show_score", sa.Boolean(), nullable=False),
        sa.Column("show_criteria", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.Column("replaces_id", sa.String(32)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["credential_record.id"], name="fk_share_link_record_id"
        ),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["share_link.id"], name="fk_share_link_replaces_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_share_link"),
        sa.UniqueConstraint("public_id", name="uq_share_link_public_id"),
        sa.UniqueConstraint("replaces_id", name="uq_share_link_replaces_id"),
    )
    op.create_index("ix_share_link_record_id", "share_link", ["record_id"])
    op.create_table(
        "absence",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cover_id", sa.String(32)),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "cover_id IS NULL OR cover_id <> person_id", name=op.f("ck_absence_cover")
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_absence_order")),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_absence_cohort_id"),
        sa.ForeignKeyConstraint(["cover_id"], ["person.id"], name="fk_absence_cover_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_absence_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_absence"),
    )
    op.create_index("ix_absence_cohort_id_person_id", "absence", ["cohort_id", "person_id"])
    op.create_table(
        "adjustment",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("works", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(80), nullable=False),
        sa.Column("plan_digest", sa.String(64), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_adjustment_cohort_id"),
        sa.PrimaryKeyConstraint("id", name="pk_adjustment"),
        sa.UniqueConstraint("cohort_id", "number", name="uq_adjustment_cohort_id_number"),
    )
    op.create_table(
        "approval",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("records", sa.JSON(), nullable=False),
        sa.Column("note", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("proof", sa.String(20), nullable=False),
        sa.Column("passkey_id", sa.String(32)),
        sa.Column("origin", sa.Text()),
        sa.Column("authenticator_data", sa.Text()),
        sa.Column("client_data", sa.Text()),
        sa.Column("signature", sa.Text()),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "(proof = 'passkey') = (passkey_id IS NOT NULL AND origin IS NOT NULL AND authenticator_data IS NOT NULL AND client_data IS NOT NULL AND signature IS NOT NULL)",
            name=op.f("ck_approval_signed"),
        ),
        sa.CheckConstraint(
            "action IN ('release:propose', 'release:sign', 'record:revoke', 'appeal:decide', 'member:set_points', 'misconduct_case:uphold', 'passkey:add')",
            name=op.f("ck_approval_action"),
        ),
        sa.CheckConstraint("proof IN ('passkey', 'password')", name=op.f("ck_approval_proof")),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_approval_cohort_id"),
        sa.ForeignKeyConstraint(["passkey_id"], ["passkey.id"], name="fk_approval_passkey_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_approval_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_approval"),
        sa.UniqueConstraint("nonce", name="uq_approval_nonce"),
        sa.UniqueConstraint(
            "subject_id", "person_id", "action", name="uq_approval_subject_id_person_id_action"
        ),
    )
    op.create_index("ix_approval_cohort_id", "approval", ["cohort_id"])
    op.create_index("ix_approval_subject_id", "approval", ["subject_id"])
    op.create_table(
        "calibration_attempt",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.JSON()),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "kind IN ('practice', 'qualification')", name=op.f("ck_calibration_attempt_kind")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'judged', 'ended')", name=op.f("ck_calibration_attempt_state")
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohort.id"], name="fk_calibration_attempt_cohort_id"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_calibration_attempt_person_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_calibration_attempt"),
        sa.UniqueConstraint(
            "cohort_id",
            "person_id",
            "kind",
            "number",
            name="uq_calibration_attempt_cohort_id_person_id_kind_number",
        ),
    )
    op.create_index(
        "uq_calibration_attempt_open",
        "calibration_attempt",
        ["cohort_id", "person_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "challenge",
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.String(32), nullable=False),
        sa.Column("cohort_id", sa.String(32)),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("records", sa.JSON(), nullable=False),
        sa.Column("note", sa.JSON(), nullable=False),
        sa.Column("entered", sa.JSON(none_as_null=True)),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "action IN ('release:propose', 'release:sign', 'record:revoke', 'appeal:decide', 'member:set_points', 'misconduct_case:uphold', 'passkey:add')",
            name=op.f("ck_challenge_action"),
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_challenge_cohort_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_challenge_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_challenge"),
        sa.UniqueConstraint("nonce", name="uq_challenge_nonce"),
    )
    op.create_index("ix_challenge_person_id_expires_at", "challenge", ["person_id", "expires_at"])
    op.create_table(
        "cohort_statistics",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("fingerprint", sa.String(80), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('agreement', 'severity', 'generalizability', 'risk', 'outliers')",
            name=op.f("ck_cohort_statistics_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohort.id"], name="fk_cohort_statistics_cohort_id"
        ),
        sa.PrimaryKeyConstraint("cohort_id", "kind", name="pk_cohort_statistics"),
    )
    op.create_table(
        "conflict_of_interest",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("rater_id", sa.String(32), nullable=False),
        sa.Column("learner_id", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "rater_id <> learner_id", name=op.f("ck_conflict_of_interest_two_people")
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohort.id"], name="fk_conflict_of_interest_cohort_id"
        ),
        sa.ForeignKeyConstraint(
            ["learner_id"], ["person.id"], name="fk_conflict_of_interest_learner_id"
        ),
        sa.ForeignKeyConstraint(
            ["rater_id"], ["person.id"], name="fk_conflict_of_interest_rater_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_conflict_of_interest"),
        sa.UniqueConstraint(
            "cohort_id",
            "rater_id",
            "learner_id",
            name="uq_conflict_of_interest_cohort_id_rater_id_learner_id",
        ),
    )
    op.create_table(
        "extension",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("granted_by_id", sa.String(32), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint("kind IN ('extension', 'adjustment')", name=op.f("ck_extension_kind")),
        sa.CheckConstraint("state IN ('granted', 'ended')", name=op.f("ck_extension_state")),
        sa.CheckConstraint("days > 0", name=op.f("ck_extension_days")),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_extension_cohort_id"),
        sa.ForeignKeyConstraint(
            ["granted_by_id"], ["person.id"], name="fk_extension_granted_by_id"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_extension_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_extension"),
    )
    op.create_index("ix_extension_cohort_id_person_id", "extension", ["cohort_id", "person_id"])
    op.create_table(
        "import_batch",
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("program_id", sa.String(32), nullable=False),
        sa.Column("cohort_id", sa.String(32)),
        sa.Column("by_id", sa.String(32)),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made", sa.JSON(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "kind IN ('roster', 'completions', 'entitlements', 'conflicts')",
            name=op.f("ck_import_batch_kind"),
        ),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name="fk_import_batch_by_id"),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_import_batch_cohort_id"),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name="fk_import_batch_program_id"),
        sa.PrimaryKeyConstraint("id", name="pk_import_batch"),
    )
    op.create_index("ix_import_batch_cohort_id", "import_batch", ["cohort_id"])
    op.create_index("ix_import_batch_program_id", "import_batch", ["program_id"])
    op.create_table(
        "membership",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "role IN ('learner', 'peer', 'grader', 'instructor', 'lead', 'coordinator', 'observer')",
            name=op.f("ck_membership_role"),
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_membership_cohort_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_membership_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_membership"),
        sa.UniqueConstraint(
            "cohort_id", "person_id", "role", name="uq_membership_cohort_id_person_id_role"
        ),
    )
    op.create_index("ix_membership_person_id", "membership", ["person_id"])
    op.create_table(
        "partner_sending",
        sa.Column("consent_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text()),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'failed', 'unknown', 'cancelled')",
            name=op.f("ck_partner_sending_state"),
        ),
        sa.ForeignKeyConstraint(
            ["consent_id"], ["partner_consent.id"], name="fk_partner_sending_consent_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_partner_sending"),
        sa.UniqueConstraint("consent_id", "number", name="uq_partner_sending_consent_id_number"),
    )
    op.create_table(
        "plan_version",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_plan_version_cohort_id"),
        sa.PrimaryKeyConstraint("id", name="pk_plan_version"),
        sa.UniqueConstraint("cohort_id", "version", name="uq_plan_version_cohort_id_version"),
    )
    op.create_table(
        "queue_pause",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("by_id", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("ended_by_id", sa.String(32)),
        sa.Column("answer", sa.Text()),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "ended_at IS NULL OR answer IS NOT NULL", name=op.f("ck_queue_pause_answered")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name="fk_queue_pause_by_id"),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_queue_pause_cohort_id"),
        sa.ForeignKeyConstraint(["ended_by_id"], ["person.id"], name="fk_queue_pause_ended_by_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_queue_pause_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_queue_pause"),
    )
    op.create_index(
        "uq_queue_pause_in_force",
        "queue_pause",
        ["cohort_id", "person_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "release",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("release_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("overrides", sa.JSON(), nullable=False),
        sa.Column("changes", sa.JSON()),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "state <> 'scheduled' OR release_at IS NOT NULL", name=op.f("ck_release_scheduled")
        ),
        sa.CheckConstraint("state <> 'void' OR changes IS NOT NULL", name=op.f("ck_release_void")),
        sa.CheckConstraint(
            "state IN ('proposed', 'scheduled', 'released', 'stopped', 'void')",
            name=op.f("ck_release_state"),
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_release_cohort_id"),
        sa.PrimaryKeyConstraint("id", name="pk_release"),
    )
    op.create_index("ix_release_cohort_id", "release", ["cohort_id"])
    op.create_table(
        "retention_run",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('works', 'words', 'mails', 'identity')", name=op.f("ck_retention_run_kind")
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_retention_run_cohort_id"),
        sa.PrimaryKeyConstraint("cohort_id", "kind", name="pk_retention_run"),
    )
    op.create_table(
        "submission",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("learner_id", sa.String(32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("links", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True)),
        sa.Column("digest", sa.String(64)),
        sa.Column("professionals_wanted", sa.Integer(), nullable=False),
        sa.Column("peers_wanted", sa.Integer(), nullable=False),
        sa.Column("routed", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("allocated_at", sa.DateTime(timezone=True)),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.Column("example_consent_at", sa.DateTime(timezone=True)),
        sa.Column("group_name", sa.String(100), nullable=False, server_default=""),
        sa.Column("join_code", sa.String(20)),
        sa.Column("objections_until", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'contestable', 'contested', 'submitted', 'begun', 'discrepant', 'resolved', 'released', 'withdrawn', 'withheld', 'anchor')",
            name=op.f("ck_submission_state"),
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'withdrawn') OR (submitted_at IS NOT NULL AND digest IS NOT NULL)",
            name=op.f("ck_submission_submitted"),
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_submission_cohort_id"),
        sa.ForeignKeyConstraint(["learner_id"], ["person.id"], name="fk_submission_learner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_submission"),
        sa.UniqueConstraint("join_code", name="uq_submission_join_code"),
    )
    op.create_index("ix_submission_cohort_id_state", "submission", ["cohort_id", "state"])
    op.create_index("ix_submission_learner_id", "submission", ["learner_id"])
    op.create_table(
        "allocation",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("rater_id", sa.String(32)),
        sa.Column("pool", sa.String(20), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("blind_code", sa.String(12), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_since", sa.DateTime(timezone=True)),
        sa.Column("hold_until", sa.DateTime(timezone=True)),
        sa.Column("begun_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("undo_until", sa.DateTime(timezone=True)),
        sa.Column("sealed_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("covers_until", sa.DateTime(timezone=True)),
        sa.Column("replaced", sa.Boolean(), nullable=False),
        sa.Column("decline_reason", sa.String(30)),
        sa.Column("decline_note", sa.Text()),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "decline_reason IN ('does_not_open', 'wrong_task', 'knows_author', 'shows_author', 'outside_field', 'suspected_copying', 'at_risk', 'other')",
            name=op.f("ck_allocation_decline_reason"),
        ),
        sa.CheckConstraint("pool IN ('professional', 'peer')", name=op.f("ck_allocation_pool")),
        sa.CheckConstraint(
            "purpose IN ('live', 'second_reading', 'adjudication', 'appeal', 'practice', 'qualification', 'validity')",
            name=op.f("ck_allocation_purpose"),
        ),
        sa.CheckConstraint(
            "state <> 'declined' OR decline_reason IS NOT NULL", name=op.f("ck_allocation_declined")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'allocated', 'begun', 'finished', 'sealed', 'declined', 'lapsed', 'cancelled')",
            name=op.f("ck_allocation_state"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'cancelled') OR rater_id IS NOT NULL",
            name=op.f("ck_allocation_rater"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('finished', 'sealed') OR (finished_at IS NOT NULL AND undo_until IS NOT NULL)",
            name=op.f("ck_allocation_finished"),
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_allocation_cohort_id"),
        sa.ForeignKeyConstraint(["rater_id"], ["person.id"], name="fk_allocation_rater_id"),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_allocation_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_allocation"),
        sa.UniqueConstraint("cohort_id", "blind_code", name="uq_allocation_cohort_id_blind_code"),
        sa.UniqueConstraint(
            "submission_id", "rater_id", name="uq_allocation_submission_id_rater_id"
        ),
    )
    op.create_index("ix_allocation_cohort_id_state", "allocation", ["cohort_id", "state"])
    op.create_index(
        "ix_allocation_open",
        "allocation",
        ["cohort_id", "pool"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_allocation_rater_id_state", "allocation", ["rater_id", "state"])
    op.create_index("ix_allocation_submission_id", "allocation", ["submission_id"])
    op.create_table(
        "anchor_paper",
        sa.Column("program_id", sa.String(32), nullable=False),
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("source_id", sa.String(32), nullable=False),
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("rubric_digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("use", sa.String(20)),
        sa.Column("set_number", sa.Integer()),
        sa.Column("levels", sa.JSON()),
        sa.Column("reasons", sa.JSON()),
        sa.Column("proposed_by_id", sa.String(32), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agreed_by_id", sa.String(32)),
        sa.Column("agreed_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "state <> 'agreed' OR (levels IS NOT NULL AND reasons IS NOT NULL AND use IS NOT NULL)",
            name=op.f("ck_anchor_paper_agreed"),
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'marked', 'agreed', 'withdrawn')",
            name=op.f("ck_anchor_paper_state"),
        ),
        sa.CheckConstraint(
            "use IN ('practice', 'qualification', 'validity')", name=op.f("ck_anchor_paper_use")
        ),
        sa.ForeignKeyConstraint(
            ["agreed_by_id"], ["person.id"], name="fk_anchor_paper_agreed_by_id"
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_anchor_paper_cohort_id"),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name="fk_anchor_paper_program_id"),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"], ["person.id"], name="fk_anchor_paper_proposed_by_id"
        ),
        sa.ForeignKeyConstraint(["source_id"], ["submission.id"], name="fk_anchor_paper_source_id"),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_anchor_paper_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_anchor_paper"),
        sa.UniqueConstraint("submission_id", name="uq_anchor_paper_submission_id"),
    )
    op.create_index("ix_anchor_paper_cohort_id", "anchor_paper", ["cohort_id"])
    op.create_index("ix_anchor_paper_program_id_use", "anchor_paper", ["program_id", "use"])
    op.create_index(
        "uq_anchor_paper_source",
        "anchor_paper",
        ["source_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'withdrawn'"),
        postgresql_where=sa.text("state <> 'withdrawn'"),
    )
    op.create_table(
        "exposure",
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_exposure_person_id"),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_exposure_submission_id"
        ),
        sa.PrimaryKeyConstraint("submission_id", "person_id", name="pk_exposure"),
    )
    op.create_index("ix_exposure_person_id", "exposure", ["person_id"])
    op.create_table(
        "identity_check",
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("submission_id", sa.String(32)),
        sa.Column("how", sa.String(30), nullable=False),
        sa.Column("document", sa.String(20)),
        sa.Column("issuer", sa.String(400)),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("by_id", sa.String(32)),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("holds_until", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "document IN ('passport', 'identity_card', 'driving_licence', 'residence_permit', 'other')",
            name=op.f("ck_identity_check_document"),
        ),
        sa.CheckConstraint(
            "how IN ('document', 'proctored', 'institutional_sign_in', 'attested')",
            name=op.f("ck_identity_check_how"),
        ),
        sa.CheckConstraint("holds_until > at", name=op.f("ck_identity_check_holds")),
        sa.CheckConstraint("person_id <> by_id", name=op.f("ck_identity_check_another")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name="fk_identity_check_by_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_identity_check_person_id"),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_identity_check_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_identity_check"),
    )
    op.create_index("ix_identity_check_person_id", "identity_check", ["person_id"])
    op.create_index("ix_identity_check_submission_id", "identity_check", ["submission_id"])
    op.create_table(
        "member_points",
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint("points BETWEEN -100 AND 100", name=op.f("ck_member_points_points")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name="fk_member_points_by_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_member_points_person_id"),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_member_points_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_member_points"),
        sa.UniqueConstraint(
            "submission_id",
            "person_id",
            "number",
            name="uq_member_points_submission_id_person_id_number",
        ),
    )
    op.create_index("ix_member_points_submission_id", "member_points", ["submission_id"])
    op.create_table(
        "misconduct_case",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("opened_by_id", sa.String(32), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("allegation", sa.Text()),
        sa.Column("answer_by", sa.DateTime(timezone=True)),
        sa.Column("answer", sa.Text()),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.String(20)),
        sa.Column("reason", sa.Text()),
        sa.Column("proposed_by_id", sa.String(32)),
        sa.Column("decided_by_id", sa.String(32)),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "kind IN ('copying', 'anothers_work')", name=op.f("ck_misconduct_case_kind")
        ),
        sa.CheckConstraint(
            "outcome IN ('upheld', 'dismissed')", name=op.f("ck_misconduct_case_outcome")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'hearing', 'heard', 'proposed', 'upheld', 'dismissed')",
            name=op.f("ck_misconduct_case_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('upheld', 'dismissed') OR (decided_by_id IS NOT NULL AND proposed_by_id <> decided_by_id)",
            name=op.f("ck_misconduct_case_decided_by_two"),
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_misconduct_case_cohort_id"),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["person.id"], name="fk_misconduct_case_decided_by_id"
        ),
        sa.ForeignKeyConstraint(
            ["opened_by_id"], ["person.id"], name="fk_misconduct_case_opened_by_id"
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"], ["person.id"], name="fk_misconduct_case_proposed_by_id"
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_misconduct_case_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_misconduct_case"),
    )
    op.create_index(
        "ix_misconduct_case_cohort_id_state",
        "misconduct_case",
        ["cohort_id", "state"],
        unique=False,
    )
    op.create_index(
        "uq_misconduct_case_pending",
        "misconduct_case",
        ["submission_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('open', 'hearing', 'heard', 'proposed')"),
        postgresql_where=sa.text("state IN ('open', 'hearing', 'heard', 'proposed')"),
    )
    op.create_table(
        "objection",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("copy", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.String(32)),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("answer", sa.Text()),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'returned', 'upheld', 'dismissed', 'withdrawn')",
            name=op.f("ck_objection_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('upheld', 'dismissed') OR (decided_by_id IS NOT NULL AND decided_at IS NOT NULL AND answer IS NOT NULL)",
            name=op.f("ck_objection_decided"),
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_objection_cohort_id"),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["person.id"], name="fk_objection_decided_by_id"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_objection_person_id"),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_objection_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_objection"),
    )
    op.create_index("ix_objection_cohort_id", "objection", ["cohort_id"])
    op.create_index("ix_objection_submission_id", "objection", ["submission_id"])
    op.create_table(
        "score",
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("composite", sa.Double(), nullable=False),
        sa.Column("standard_error", sa.Double()),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("rating_ids", sa.JSON(), nullable=False),
        sa.Column("professionals", sa.Integer(), nullable=False),
        sa.Column("peers", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(80), nullable=False),
        sa.Column("plan_digest", sa.String(64), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("adjustment", sa.JSON(none_as_null=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_score_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_score"),
        sa.UniqueConstraint("submission_id", "number", name="uq_score_submission_id_number"),
    )
    op.create_table(
        "sign_off",
        sa.Column("release_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_sign_off_person_id"),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name="fk_sign_off_release_id"),
        sa.PrimaryKeyConstraint("release_id", "person_id", name="pk_sign_off"),
    )
    op.create_table(
        "standing",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("criterion", sa.String(60), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempt_id", sa.String(32)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "state IN ('not_qualified', 'qualified', 'provisional', 'expired', 'set_aside')",
            name=op.f("ck_standing_state"),
        ),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["calibration_attempt.id"], name="fk_standing_attempt_id"
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_standing_cohort_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_standing_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_standing"),
        sa.UniqueConstraint(
            "cohort_id", "person_id", "criterion", name="uq_standing_cohort_id_person_id_criterion"
        ),
    )
    op.create_index("ix_standing_person_id", "standing", ["person_id"])
    op.create_table(
        "submission_file",
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_submission_file_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_submission_file"),
    )
    op.create_index("ix_submission_file_key", "submission_file", ["key"])
    op.create_index("ix_submission_file_submission_id", "submission_file", ["submission_id"])
    op.create_table(
        "submission_member",
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("invited_by_id", sa.String(32)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "state <> 'withdrawn' OR ended_at IS NOT NULL",
            name=op.f("ck_submission_member_withdrawn"),
        ),
        sa.CheckConstraint(
            "state IN ('invited', 'joined', 'declined', 'left', 'removed', 'withdrawn', 'author')",
            name=op.f("ck_submission_member_state"),
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohort.id"], name="fk_submission_member_cohort_id"
        ),
        sa.ForeignKeyConstraint(
            ["invited_by_id"], ["person.id"], name="fk_submission_member_invited_by_id"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_submission_member_person_id"
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_submission_member_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_submission_member"),
        sa.UniqueConstraint(
            "submission_id", "person_id", name="uq_submission_member_submission_id_person_id"
        ),
    )
    op.create_index("ix_submission_member_person_id", "submission_member", ["person_id"])
    op.create_index(
        "uq_submission_member_one_work",
        "submission_member",
        ["cohort_id", "person_id", "attempt"],
        unique=True,
        sqlite_where=sa.text("state IN ('joined', 'withdrawn')"),
        postgresql_where=sa.text("state IN ('joined', 'withdrawn')"),
    )
    op.create_table(
        "submitted_copy",
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("links", sa.JSON(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("statement", sa.Integer(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_submitted_copy_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_submitted_copy"),
        sa.UniqueConstraint(
            "submission_id", "number", name="uq_submitted_copy_submission_id_number"
        ),
    )
    op.create_table(
        "alarm",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("criterion", sa.String(60)),
        sa.Column("chart", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("allocation_id", sa.String(32), nullable=False),
        sa.Column("since_id", sa.String(32), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by_id", sa.String(32)),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint("chart IN ('drift', 'validity')", name=op.f("ck_alarm_chart")),
        sa.CheckConstraint("state IN ('open', 'dismissed', 'upheld')", name=op.f("ck_alarm_state")),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name="fk_alarm_allocation_id"
        ),
        sa.ForeignKeyConstraint(["answered_by_id"], ["person.id"], name="fk_alarm_answered_by_id"),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_alarm_cohort_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_alarm_person_id"),
        sa.ForeignKeyConstraint(["since_id"], ["allocation.id"], name="fk_alarm_since_id"),
        sa.PrimaryKeyConstraint("id", name="pk_alarm"),
    )
    op.create_index("ix_alarm_cohort_id_state", "alarm", ["cohort_id", "state"])
    op.create_index(
        "uq_alarm_allocation", "alarm", ["allocation_id", "chart", "criterion"], unique=True
    )
    op.create_index(
        "uq_alarm_allocation_total",
        "alarm",
        ["allocation_id", "chart"],
        unique=True,
        sqlite_where=sa.text("criterion IS NULL"),
        postgresql_where=sa.text("criterion IS NULL"),
    )
    op.create_table(
        "anchor_marking",
        sa.Column("anchor_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["anchor_id"], ["anchor_paper.id"], name="fk_anchor_marking_anchor_id"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_anchor_marking_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_anchor_marking"),
        sa.UniqueConstraint("anchor_id", "person_id", name="uq_anchor_marking_anchor_id_person_id"),
    )
    op.create_table(
        "anchor_reading",
        sa.Column("allocation_id", sa.String(32), nullable=False),
        sa.Column("anchor_id", sa.String(32), nullable=False),
        sa.Column("attempt_id", sa.String(32)),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name="fk_anchor_reading_allocation_id"
        ),
        sa.ForeignKeyConstraint(
            ["anchor_id"], ["anchor_paper.id"], name="fk_anchor_reading_anchor_id"
        ),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["calibration_attempt.id"], name="fk_anchor_reading_attempt_id"
        ),
        sa.PrimaryKeyConstraint("allocation_id", name="pk_anchor_reading"),
    )
    op.create_index("ix_anchor_reading_anchor_id", "anchor_reading", ["anchor_id"])
    op.create_index("ix_anchor_reading_attempt_id", "anchor_reading", ["attempt_id"])
    op.create_table(
        "discrepancy",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("allocation_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'adjudicated', 'cancelled')", name=op.f("ck_discrepancy_state")
        ),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name="fk_discrepancy_allocation_id"
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_discrepancy_cohort_id"),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_discrepancy_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_discrepancy"),
    )
    op.create_index("ix_discrepancy_cohort_id_state", "discrepancy", ["cohort_id", "state"])
    op.create_index(
        "uq_discrepancy_open",
        "discrepancy",
        ["submission_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "evidence",
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("by_id", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name="fk_evidence_by_id"),
        sa.ForeignKeyConstraint(["case_id"], ["misconduct_case.id"], name="fk_evidence_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_evidence"),
    )
    op.create_index("ix_evidence_case_id", "evidence", ["case_id"])
    op.create_table(
        "grade",
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("score_id", sa.String(32), nullable=False),
        sa.Column("release_id", sa.String(32), nullable=False),
        sa.Column("amended_for", sa.String(20)),
        sa.Column("value", sa.String(20), nullable=False),
        sa.Column("band", sa.String(100), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_grade_person_id"),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name="fk_grade_release_id"),
        sa.ForeignKeyConstraint(["score_id"], ["score.id"], name="fk_grade_score_id"),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_grade_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_grade"),
        sa.UniqueConstraint(
            "submission_id", "person_id", "number", name="uq_grade_submission_id_person_id_number"
        ),
    )
    op.create_index("ix_grade_person_id", "grade", ["person_id"])
    op.create_index("ix_grade_release_id", "grade", ["release_id"])
    op.create_table(
        "rating",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("allocation_id", sa.String(32), nullable=False),
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("criterion", sa.String(60), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("level >= 0", name=op.f("ck_rating_level")),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name="fk_rating_allocation_id"
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_rating_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rating"),
        sa.UniqueConstraint("allocation_id", "criterion", name="uq_rating_allocation_id_criterion"),
    )
    op.create_index("ix_rating_submission_id", "rating", ["submission_id"])
    op.create_table(
        "release_item",
        sa.Column("release_id", sa.String(32), nullable=False),
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("score_id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name="fk_release_item_release_id"),
        sa.ForeignKeyConstraint(["score_id"], ["score.id"], name="fk_release_item_score_id"),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_release_item_submission_id"
        ),
        sa.PrimaryKeyConstraint("release_id", "submission_id", name="pk_release_item"),
    )
    op.create_index("ix_release_item_submission_id", "release_item", ["submission_id"])
    op.create_table(
        "review",
        sa.Column("allocation_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.Column("comments", sa.JSON(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name="fk_review_allocation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_review"),
        sa.UniqueConstraint("allocation_id", name="uq_review_allocation_id"),
    )
    op.create_table(
        "struck_reading",
        sa.Column("allocation_id", sa.String(32), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("by_id", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name="fk_struck_reading_allocation_id"
        ),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name="fk_struck_reading_by_id"),
        sa.PrimaryKeyConstraint("allocation_id", name="pk_struck_reading"),
    )
    op.create_table(
        "appeal",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("grade_id", sa.String(32), nullable=False),
        sa.Column("learner_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decide_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("allocation_id", sa.String(32)),
        sa.Column("decided_by_id", sa.String(32)),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("answer", sa.Text()),
        sa.Column("score_id", sa.String(32)),
        sa.Column("amended_id", sa.String(32)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'remarked', 'upheld', 'dismissed', 'withdrawn')",
            name=op.f("ck_appeal_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('upheld', 'dismissed') OR (decided_at IS NOT NULL AND decided_by_id IS NOT NULL AND answer IS NOT NULL)",
            name=op.f("ck_appeal_decided"),
        ),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name="fk_appeal_allocation_id"
        ),
        sa.ForeignKeyConstraint(["amended_id"], ["grade.id"], name="fk_appeal_amended_id"),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_appeal_cohort_id"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name="fk_appeal_decided_by_id"),
        sa.ForeignKeyConstraint(["grade_id"], ["grade.id"], name="fk_appeal_grade_id"),
        sa.ForeignKeyConstraint(["learner_id"], ["person.id"], name="fk_appeal_learner_id"),
        sa.ForeignKeyConstraint(["score_id"], ["score.id"], name="fk_appeal_score_id"),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_appeal_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_appeal"),
        sa.UniqueConstraint("allocation_id", name="uq_appeal_allocation_id"),
    )
    op.create_index("ix_appeal_cohort_id_state", "appeal", ["cohort_id", "state"])
    op.create_index("ix_appeal_learner_id", "appeal", ["learner_id"])
    op.create_index(
        "uq_appeal_pending",
        "appeal",
        ["submission_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('open', 'remarked')"),
        postgresql_where=sa.text("state IN ('open', 'remarked')"),
    )
    op.create_table(
        "explanation",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("grade_id", sa.String(32), nullable=False),
        sa.Column("learner_id", sa.String(32), nullable=False),
        sa.Column("owner_id", sa.String(32)),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.Text()),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("answered_by_id", sa.String(32)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "state <> 'answered' OR answer IS NOT NULL", name=op.f("ck_explanation_answered")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'answered', 'withdrawn')", name=op.f("ck_explanation_state")
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["person.id"], name="fk_explanation_answered_by_id"
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_explanation_cohort_id"),
        sa.ForeignKeyConstraint(["grade_id"], ["grade.id"], name="fk_explanation_grade_id"),
        sa.ForeignKeyConstraint(["learner_id"], ["person.id"], name="fk_explanation_learner_id"),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name="fk_explanation_owner_id"),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_explanation_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_explanation"),
    )
    op.create_index("ix_explanation_cohort_id_state", "explanation", ["cohort_id", "state"])
    op.create_index("ix_explanation_owner_id_state", "explanation", ["owner_id", "state"])
    op.create_index("ix_explanation_submission_id", "explanation", ["submission_id"])
    op.create_table(
        "grade_seen",
        sa.Column("grade_id", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["grade_id"], ["grade.id"], name="fk_grade_seen_grade_id"),
        sa.PrimaryKeyConstraint("grade_id", name="pk_grade_seen"),
    )
    op.create_table(
        "issued_credential",
        sa.Column("url", sa.String(400), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("program_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("about", sa.String(32), nullable=False),
        sa.Column("achievement", sa.String(400), nullable=False),
        sa.Column("course_id", sa.String(32)),
        sa.Column("grade_id", sa.String(32)),
        sa.Column("record_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("replaces_id", sa.String(32)),
        sa.Column("facts", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(60), nullable=False),
        sa.Column("salt", sa.String(40)),
        sa.Column("status_list_id", sa.String(32), nullable=False),
        sa.Column("status_index", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("token_key_id", sa.String(32), nullable=False),
        sa.Column("document", sa.JSON(none_as_null=True)),
        sa.Column("token", sa.Text()),
        sa.Column("evidence", sa.JSON(none_as_null=True)),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint(
            "(state = 'valid') = (ended_at IS NULL)", name=op.f("ck_issued_credential_ended")
        ),
        sa.CheckConstraint(
            "kind IN ('course', 'capstone', 'program')", name=op.f("ck_issued_credential_kind")
        ),
        sa.CheckConstraint(
            "state IN ('valid', 'replaced', 'revoked')", name=op.f("ck_issued_credential_state")
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name="fk_issued_credential_course_id"
        ),
        sa.ForeignKeyConstraint(["grade_id"], ["grade.id"], name="fk_issued_credential_grade_id"),
        sa.ForeignKeyConstraint(["key_id"], ["signing_key.id"], name="fk_issued_credential_key_id"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_issued_credential_person_id"
        ),
        sa.ForeignKeyConstraint(
            ["program_id"], ["program.id"], name="fk_issued_credential_program_id"
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["credential_record.id"], name="fk_issued_credential_record_id"
        ),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["issued_credential.id"], name="fk_issued_credential_replaces_id"
        ),
        sa.ForeignKeyConstraint(
            ["status_list_id"], ["status_list.id"], name="fk_issued_credential_status_list_id"
        ),
        sa.ForeignKeyConstraint(
            ["token_key_id"], ["signing_key.id"], name="fk_issued_credential_token_key_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_issued_credential"),
        sa.UniqueConstraint("replaces_id", name="uq_issued_credential_replaces_id"),
        sa.UniqueConstraint(
            "status_list_id",
            "status_index",
            name="uq_issued_credential_status_list_id_status_index",
        ),
        sa.UniqueConstraint("url", name="uq_issued_credential_url"),
    )
    op.create_index("ix_issued_credential_achievement", "issued_credential", ["achievement"])
    op.create_index("ix_issued_credential_grade_id", "issued_credential", ["grade_id"])
    op.create_index("ix_issued_credential_key_id", "issued_credential", ["key_id"])
    op.create_index("ix_issued_credential_person_id", "issued_credential", ["person_id"])
    op.create_index("ix_issued_credential_record_id", "issued_credential", ["record_id"])
    op.create_index(
        "ix_issued_credential_token_key_id", "issued_credential", ["token_key_id"], unique=False
    )
    op.create_index(
        "uq_issued_credential_valid",
        "issued_credential",
        ["program_id", "person_id", "about"],
        unique=True,
        sqlite_where=sa.text("state = 'valid'"),
        postgresql_where=sa.text("state = 'valid'"),
    )
    op.create_table(
        "quarantine",
        sa.Column("cohort_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("criterion", sa.String(60)),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("alarm_id", sa.String(32)),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by_id", sa.String(32)),
        sa.Column("lifted_at", sa.DateTime(timezone=True)),
        sa.Column("id", sa.String(32), nullable=False),
        sa.CheckConstraint("state IN ('in_force', 'lifted')", name=op.f("ck_quarantine_state")),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name="fk_quarantine_alarm_id"),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name="fk_quarantine_by_id"),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name="fk_quarantine_cohort_id"),
        sa.ForeignKeyConstraint(["lifted_by_id"], ["person.id"], name="fk_quarantine_lifted_by_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_quarantine_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
    )
    op.create_index("ix_quarantine_cohort_id_state", "quarantine", ["cohort_id", "state"])
    op.create_table(
        "record_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.String(32), nullable=False),
        sa.Column("course_id", sa.String(32)),
        sa.Column("grade_id", sa.String(32)),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(course_id IS NULL) <> (grade_id IS NULL)",
            name=op.f("ck_record_entry_course_or_grade"),
        ),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name="fk_record_entry_course_id"),
        sa.ForeignKeyConstraint(["grade_id"], ["grade.id"], name="fk_record_entry_grade_id"),
        sa.ForeignKeyConstraint(
            ["record_id"], ["credential_record.id"], name="fk_record_entry_record_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_record_entry"),
        sa.UniqueConstraint("record_id", "course_id", name="uq_record_entry_record_id_course_id"),
        sa.UniqueConstraint("record_id", "grade_id", name="uq_record_entry_record_id_grade_id"),
    )
    op.create_index("ix_record_entry_record_id", "record_entry", ["record_id"])
    op.create_table(
        "quarantined_rating",
        sa.Column("quarantine_id", sa.String(32), nullable=False),
        sa.Column("rating_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["quarantine_id"], ["quarantine.id"], name="fk_quarantined_rating_quarantine_id"
        ),
        sa.ForeignKeyConstraint(
            ["rating_id"], ["rating.id"], name="fk_quarantined_rating_rating_id"
        ),
        sa.PrimaryKeyConstraint("quarantine_id", "rating_id", name="pk_quarantined_rating"),
    )
    op.create_index("ix_quarantined_rating_rating_id", "quarantined_rating", ["rating_id"])
    # The service's own chain is there from the start, so that no two acts race to begin it.
    op.bulk_insert(
        sa.table("audit_head", sa.column("chain"), sa.column("count"), sa.column("hash")),
        [{"chain": "service", "count": 0, "hash": "0" * 64}],
    )
