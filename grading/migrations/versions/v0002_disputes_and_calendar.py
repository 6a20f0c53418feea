"""Disputes, entitlements and the calendar of real life."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "sponsor_member",
        sa.Column("sponsor_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_sponsor_member_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["sponsor_id"], ["sponsor.id"], name=op.f("fk_sponsor_member_sponsor_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sponsor_member")),
        sa.UniqueConstraint(
            "sponsor_id", "person_id", name=op.f("uq_sponsor_member_sponsor_id_person_id")
        ),
    )
    with op.batch_alter_table("sponsor_member", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sponsor_member_person_id"), ["person_id"], unique=False
        )

    op.create_table(
        "entitlement",
        sa.Column("program_id", sa.String(length=32), nullable=False),
        sa.Column("course_id", sa.String(length=32), nullable=True),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "state IN ('paid', 'waived', 'sponsored', 'refunded')",
            name=op.f("ck_entitlement_state"),
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_entitlement_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_entitlement_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["program_id"], ["program.id"], name=op.f("fk_entitlement_program_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entitlement")),
        sa.UniqueConstraint(
            "program_id",
            "person_id",
            "course_id",
            name=op.f("uq_entitlement_program_id_person_id_course_id"),
        ),
    )
    with op.batch_alter_table("entitlement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entitlement_person_id"), ["person_id"], unique=False)
        batch_op.create_index(
            "uq_entitlement_capstone",
            ["program_id", "person_id"],
            unique=True,
            sqlite_where=sa.text("course_id IS NULL"),
            postgresql_where=sa.text("course_id IS NULL"),
        )

    op.create_table(
        "absence",
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cover_id", sa.String(length=32), nullable=True),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "cover_id IS NULL OR cover_id <> person_id", name=op.f("ck_absence_cover")
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_absence_order")),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name=op.f("fk_absence_cohort_id")),
        sa.ForeignKeyConstraint(["cover_id"], ["person.id"], name=op.f("fk_absence_cover_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_absence_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
    )
    with op.batch_alter_table("absence", schema=None) as batch_op:
        batch_op.create_index(
            "ix_absence_cohort_id_person_id", ["cohort_id", "person_id"], unique=False
        )

    op.create_table(
        "extension",
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("granted_by_id", sa.String(length=32), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint("kind IN ('extension', 'adjustment')", name=op.f("ck_extension_kind")),
        sa.CheckConstraint("state IN ('granted', 'ended')", name=op.f("ck_extension_state")),
        sa.CheckConstraint("days > 0", name=op.f("ck_extension_days")),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name=op.f("fk_extension_cohort_id")),
        sa.ForeignKeyConstraint(
            ["granted_by_id"], ["person.id"], name=op.f("fk_extension_granted_by_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_extension_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extension")),
    )
    with op.batch_alter_table("extension", schema=None) as batch_op:
        batch_op.create_index(
            "ix_extension_cohort_id_person_id", ["cohort_id", "person_id"], unique=False
        )

    op.create_table(
        "import_batch",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("program_id", sa.String(length=32), nullable=False),
        sa.Column("cohort_id", sa.String(length=32), nullable=True),
        sa.Column("by_id", sa.String(length=32), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made", sa.JSON(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "kind IN ('roster', 'completions', 'entitlements')", name=op.f("ck_import_batch_kind")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_import_batch_by_id")),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohort.id"], name=op.f("fk_import_batch_cohort_id")
        ),
        sa.ForeignKeyConstraint(
            ["program_id"], ["program.id"], name=op.f("fk_import_batch_program_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
    )
    with op.batch_alter_table("import_batch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_import_batch_cohort_id"), ["cohort_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_import_batch_program_id"), ["program_id"], unique=False
        )

    op.create_table(
        "misconduct_case",
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("opened_by_id", sa.String(length=32), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("allegation", sa.Text(), nullable=True),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("proposed_by_id", sa.String(length=32), nullable=True),
        sa.Column("decided_by_id", sa.String(length=32), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
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
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohort.id"], name=op.f("fk_misconduct_case_cohort_id")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["person.id"], name=op.f("fk_misconduct_case_decided_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["opened_by_id"], ["person.id"], name=op.f("fk_misconduct_case_opened_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"], ["person.id"], name=op.f("fk_misconduct_case_proposed_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_misconduct_case_submission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_misconduct_case")),
    )
    with op.batch_alter_table("misconduct_case", schema=None) as batch_op:
        batch_op.create_index(
            "ix_misconduct_case_cohort_id_state", ["cohort_id", "state"], unique=False
        )
        batch_op.create_index(
            "uq_misconduct_case_pending",
            ["submission_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('open', 'hearing', 'heard', 'proposed')"),
            postgresql_where=sa.text("state IN ('open', 'hearing', 'heard', 'proposed')"),
        )

    op.create_table(
        "evidence",
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_evidence_by_id")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["misconduct_case.id"], name=op.f("fk_evidence_case_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
    )
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evidence_case_id"), ["case_id"], unique=False)

    op.create_table(
        "struck_reading",
        sa.Column("allocation_id", sa.String(length=32), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name=op.f("fk_struck_reading_allocation_id")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_struck_reading_by_id")),
        sa.PrimaryKeyConstraint("allocation_id", name=op.f("pk_struck_reading")),
    )
    op.create_table(
        "appeal",
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("grade_id", sa.String(length=32), nullable=False),
        sa.Column("learner_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decide_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("allocation_id", sa.String(length=32), nullable=True),
        sa.Column("decided_by_id", sa.String(length=32), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("score_id", sa.String(length=32), nullable=True),
        sa.Column("amended_id", sa.String(length=32), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'remarked', 'upheld', 'dismissed', 'withdrawn')",
            name=op.f("ck_appeal_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('upheld', 'dismissed') OR (decided_at IS NOT NULL AND decided_by_id IS NOT NULL AND answer IS NOT NULL)",
            name=op.f("ck_appeal_decided"),
        ),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name=op.f("fk_appeal_allocation_id")
        ),
        sa.ForeignKeyConstraint(["amended_id"], ["grade.id"], name=op.f("fk_appeal_amended_id")),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name=op.f("fk_appeal_cohort_id")),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["person.id"], name=op.f("fk_appeal_decided_by_id")
        ),
        sa.ForeignKeyConstraint(["grade_id"], ["grade.id"], name=op.f("fk_appeal_grade_id")),
        sa.ForeignKeyConstraint(["learner_id"], ["person.id"], name=op.f("fk_appeal_learner_id")),
        sa.ForeignKeyConstraint(["score_id"], ["score.id"], name=op.f("fk_appeal_score_id")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_appeal_submission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal")),
        sa.UniqueConstraint("allocation_id", name=op.f("uq_appeal_allocation_id")),
    )
    with op.batch_alter_table("appeal", schema=None) as batch_op:
        batch_op.create_index("ix_appeal_cohort_id_state", ["cohort_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_appeal_learner_id"), ["learner_id"], unique=False)
        batch_op.create_index(
            "uq_appeal_pending",
            ["submission_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('open', 'remarked')"),
            postgresql_where=sa.text("state IN ('open', 'remarked')"),
        )

    op.create_table(
        "explanation",
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("grade_id", sa.String(length=32), nullable=False),
        sa.Column("learner_id", sa.String(length=32), nullable=False),
        sa.Column("owner_id", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by_id", sa.String(length=32), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "state <> 'answered' OR answer IS NOT NULL", name=op.f("ck_explanation_answered")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'answered', 'withdrawn')", name=op.f("ck_explanation_state")
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["person.id"], name=op.f("fk_explanation_answered_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohort.id"], name=op.f("fk_explanation_cohort_id")
        ),
        sa.ForeignKeyConstraint(["grade_id"], ["grade.id"], name=op.f("fk_explanation_grade_id")),
        sa.ForeignKeyConstraint(
            ["learner_id"], ["person.id"], name=op.f("fk_explanation_learner_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_explanation_owner_id")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_explanation_submission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_explanation")),
    )
    with op.batch_alter_table("explanation", schema=None) as batch_op:
        batch_op.create_index(
            "ix_explanation_cohort_id_state", ["cohort_id", "state"], unique=False
        )
        batch_op.create_index("ix_explanation_owner_id_state", ["owner_id", "state"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_explanation_submission_id"), ["submission_id"], unique=False
        )

    with op.batch_alter_table("brief", schema=None) as batch_op:
        batch_op.add_column(sa.Column("example", sa.Text(), nullable=False, server_default=""))

    with op.batch_alter_table("completion", schema=None) as batch_op:
        batch_op.add_column(sa.Column("via", sa.String(length=60), nullable=True))

    with op.batch_alter_table("course", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("equivalents", sa.JSON(), nullable=False, server_default=sa.text("'[]'"))
        )
        batch_op.add_column(sa.Column("expires_months", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("hours", sa.Double(), nullable=True))

    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_allocation_purpose"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_allocation_purpose"),
            "purpose IN ('live', 'second_reading', 'adjudication', 'appeal')",
        )

    with op.batch_alter_table("credential_record", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_credential_record_state"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_credential_record_state"), "state IN ('valid', 'replaced', 'revoked')"
        )
        batch_op.add_column(sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("replaces_id", sa.String(length=32), nullable=True))
        batch_op.drop_constraint(
            batch_op.f("uq_credential_record_program_id_person_id"), type_="unique"
        )
        batch_op.create_index(
            "uq_credential_record_in_force",
            ["program_id", "person_id"],
            unique=True,
            sqlite_where=sa.text("state <> 'replaced'"),
            postgresql_where=sa.text("state <> 'replaced'"),
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_credential_record_replaces_id"), ["replaces_id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_credential_record_replaces_id"),
            "credential_record",
            ["replaces_id"],
            ["id"],
        )
        batch_op.create_check_constraint(
            op.f("ck_credential_record_replaced"),
            "(state = 'replaced') = (replaced_at IS NOT NULL)",
        )

    with op.batch_alter_table("grade", schema=None) as batch_op:
        batch_op.add_column(sa.Column("amended_for", sa.String(length=20), nullable=True))

    with op.batch_alter_table("program", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "entitlement_required", sa.Boolean(), nullable=False, server_default=sa.false()
            )
        )
        batch_op.add_column(sa.Column("retake_terms", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("capstone_hours", sa.Double(), nullable=True))
        batch_op.add_column(
            sa.Column("hours_approver", sa.String(length=200), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("provider_number", sa.String(length=100), nullable=False, server_default="")
        )

    with op.batch_alter_table("sponsor", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("issuer_name", sa.String(length=200), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("signatories", sa.JSON(), nullable=False, server_default=sa.text("'[]'"))
        )
        batch_op.add_column(sa.Column("logo_key", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("logo_kind", sa.String(length=20), nullable=True))

    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_submission_state"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_submission_state"),
            "state IN ('draft', 'submitted', 'begun', 'discrepant', 'resolved', 'released', 'withdrawn', 'withheld')",
        )
        batch_op.add_column(sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
