"""Export, erasure, retention, disclosures and partners."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "doomed_file",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_doomed_file")),
    )
    op.create_table(
        "disclosure",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("recipient", sa.String(length=300), nullable=False),
        sa.Column("ground", sa.String(length=20), nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "ground IN ('consent', 'request', 'contract', 'law')", name=op.f("ck_disclosure_ground")
        ),
        sa.CheckConstraint(
            "what IN ('record_page', 'credential_file', 'credentials', 'export', 'transcript')",
            name=op.f("ck_disclosure_what"),
        ),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_disclosure_by_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_disclosure_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure")),
    )
    with op.batch_alter_table("disclosure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_disclosure_person_id"), ["person_id"], unique=False)

    op.create_table(
        "erasure_request",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("asked_by_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decide_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prepared_by_id", sa.String(length=32), nullable=True),
        sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.String(length=32), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "state IN ('asked', 'prepared') OR ended_at IS NOT NULL",
            name=op.f("ck_erasure_request_ended"),
        ),
        sa.CheckConstraint(
            "state IN ('asked', 'prepared', 'done', 'refused', 'withdrawn')",
            name=op.f("ck_erasure_request_state"),
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["person.id"], name=op.f("fk_erasure_request_asked_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["person.id"], name=op.f("fk_erasure_request_ended_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_erasure_request_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["prepared_by_id"], ["person.id"], name=op.f("fk_erasure_request_prepared_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_request")),
    )
    with op.batch_alter_table("erasure_request", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_erasure_request_person_id"), ["person_id"], unique=False
        )
        batch_op.create_index(
            "uq_erasure_request_pending",
            ["person_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('asked', 'prepared')"),
            postgresql_where=sa.text("state IN ('asked', 'prepared')"),
        )

    op.create_table(
        "kept_transcript",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("keep_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_kept_transcript_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_transcript")),
        sa.UniqueConstraint("person_id", name=op.f("uq_kept_transcript_person_id")),
    )
    op.create_table(
        "partner",
        sa.Column("sponsor_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("address", sa.String(length=400), nullable=False),
        sa.Column("gets", sa.String(length=20), nullable=False),
        sa.Column("pathway", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint("gets IN ('program', 'capstone', 'all')", name=op.f("ck_partner_gets")),
        sa.CheckConstraint("kind IN ('https', 'mail')", name=op.f("ck_partner_kind")),
        sa.ForeignKeyConstraint(["sponsor_id"], ["sponsor.id"], name=op.f("fk_partner_sponsor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner")),
    )
    with op.batch_alter_table("partner", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_partner_sponsor_id"), ["sponsor_id"], unique=False)

    op.create_table(
        "personal_export",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("asked_by_id", sa.String(length=32), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "state <> 'ready' OR (key IS NOT NULL AND expires_at IS NOT NULL)",
            name=op.f("ck_personal_export_ready"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'ready', 'expired')", name=op.f("ck_personal_export_state")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["person.id"], name=op.f("fk_personal_export_asked_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_personal_export_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_export")),
    )
    with op.batch_alter_table("personal_export", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_personal_export_person_id"), ["person_id"], unique=False
        )
        batch_op.create_index(
            "uq_personal_export_waiting",
            ["person_id", "asked_by_id"],
            unique=True,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )

    op.create_table(
        "partner_consent",
        sa.Column("partner_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("record_id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("credential_ids", sa.JSON(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_partner_consent_partner_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_partner_consent_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["credential_record.id"], name=op.f("fk_partner_consent_record_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_consent")),
    )
    with op.batch_alter_table("partner_consent", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_partner_consent_partner_id"), ["partner_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_partner_consent_person_id"), ["person_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_partner_consent_record_id"), ["record_id"], unique=False
        )
        batch_op.create_index(
            "uq_partner_consent_given",
            ["partner_id", "person_id"],
            unique=True,
            sqlite_where=sa.text("withdrawn_at IS NULL"),
            postgresql_where=sa.text("withdrawn_at IS NULL"),
        )

    op.create_table(
        "partner_sending",
        sa.Column("consent_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'failed', 'unknown', 'cancelled')",
            name=op.f("ck_partner_sending_state"),
        ),
        sa.ForeignKeyConstraint(
            ["consent_id"], ["partner_consent.id"], name=op.f("fk_partner_sending_consent_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_sending")),
        sa.UniqueConstraint(
            "consent_id", "number", name=op.f("uq_partner_sending_consent_id_number")
        ),
    )
    op.create_table(
        "retention_run",
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('works', 'words', 'mails', 'identity')", name=op.f("ck_retention_run_kind")
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohort.id"], name=op.f("fk_retention_run_cohort_id")
        ),
        sa.PrimaryKeyConstraint("cohort_id", "kind", name=op.f("pk_retention_run")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.add_column(sa.Column("aside", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index("ix_audit_entry_actor_id", ["actor_id"], unique=False)

    with op.batch_alter_table("cohort", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))

    # A cohort that has ended did so when its chain says.
    op.execute(
        """
        UPDATE cohort SET ended_at = (
            SELECT max(audit_entry.at) FROM audit_entry
            WHERE audit_entry.subject_id = cohort.id AND audit_entry.action = 'cohort:end'
        ) WHERE state = 'ended'
        """
    )
