"""Calibration, monitoring and routing."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "calibration_attempt",
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.JSON(), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "kind IN ('practice', 'qualification')", name=op.f("ck_calibration_attempt_kind")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'judged', 'ended')", name=op.f("ck_calibration_attempt_state")
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohort.id"], name=op.f("fk_calibration_attempt_cohort_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_calibration_attempt_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration_attempt")),
        sa.UniqueConstraint(
            "cohort_id",
            "person_id",
            "kind",
            "number",
            name=op.f("uq_calibration_attempt_cohort_id_person_id_kind_number"),
        ),
    )
    with op.batch_alter_table("calibration_attempt", schema=None) as batch_op:
        batch_op.create_index(
            "uq_calibration_attempt_open",
            ["cohort_id", "person_id"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "queue_pause",
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.String(length=32), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "ended_at IS NULL OR answer IS NOT NULL", name=op.f("ck_queue_pause_answered")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_queue_pause_by_id")),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohort.id"], name=op.f("fk_queue_pause_cohort_id")
        ),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["person.id"], name=op.f("fk_queue_pause_ended_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_queue_pause_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_pause")),
    )
    with op.batch_alter_table("queue_pause", schema=None) as batch_op:
        batch_op.create_index(
            "uq_queue_pause_in_force",
            ["cohort_id", "person_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "anchor_paper",
        sa.Column("program_id", sa.String(length=32), nullable=False),
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("source_id", sa.String(length=32), nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("rubric_digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("use", sa.String(length=20), nullable=True),
        sa.Column("set_number", sa.Integer(), nullable=True),
        sa.Column("levels", sa.JSON(), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=True),
        sa.Column("proposed_by_id", sa.String(length=32), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agreed_by_id", sa.String(length=32), nullable=True),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
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
            ["agreed_by_id"], ["person.id"], name=op.f("fk_anchor_paper_agreed_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohort.id"], name=op.f("fk_anchor_paper_cohort_id")
        ),
        sa.ForeignKeyConstraint(
            ["program_id"], ["program.id"], name=op.f("fk_anchor_paper_program_id")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"], ["person.id"], name=op.f("fk_anchor_paper_proposed_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["submission.id"], name=op.f("fk_anchor_paper_source_id")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_anchor_paper_submission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_anchor_paper")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_anchor_paper_submission_id")),
    )
    with op.batch_alter_table("anchor_paper", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_anchor_paper_cohort_id"), ["cohort_id"], unique=False)
        batch_op.create_index("ix_anchor_paper_program_id_use", ["program_id", "use"], unique=False)
        batch_op.create_index(
            "uq_anchor_paper_source",
            ["source_id"],
            unique=True,
            sqlite_where=sa.text("state <> 'withdrawn'"),
            postgresql_where=sa.text("state <> 'withdrawn'"),
        )

    op.create_table(
        "standing",
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("criterion", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempt_id", sa.String(length=32), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "state IN ('not_qualified', 'qualified', 'provisional', 'expired', 'set_aside')",
            name=op.f("ck_standing_state"),
        ),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["calibration_attempt.id"], name=op.f("fk_standing_attempt_id")
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name=op.f("fk_standing_cohort_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_standing_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing")),
        sa.UniqueConstraint(
            "cohort_id",
            "person_id",
            "criterion",
            name=op.f("uq_standing_cohort_id_person_id_criterion"),
        ),
    )
    with op.batch_alter_table("standing", schema=None) as batch_op:
        batch_op.create_index("ix_standing_person_id", ["person_id"], unique=False)

    op.create_table(
        "alarm",
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("criterion", sa.String(length=60), nullable=True),
        sa.Column("chart", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("allocation_id", sa.String(length=32), nullable=False),
        sa.Column("since_id", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by_id", sa.String(length=32), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint("chart IN ('drift', 'validity')", name=op.f("ck_alarm_chart")),
        sa.CheckConstraint("state IN ('open', 'dismissed', 'upheld')", name=op.f("ck_alarm_state")),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name=op.f("fk_alarm_allocation_id")
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["person.id"], name=op.f("fk_alarm_answered_by_id")
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name=op.f("fk_alarm_cohort_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_alarm_person_id")),
        sa.ForeignKeyConstraint(["since_id"], ["allocation.id"], name=op.f("fk_alarm_since_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    with op.batch_alter_table("alarm", schema=None) as batch_op:
        batch_op.create_index("ix_alarm_cohort_id_state", ["cohort_id", "state"], unique=False)
        batch_op.create_index(
            "uq_alarm_allocation", ["allocation_id", "chart", "criterion"], unique=True
        )
        batch_op.create_index(
            "uq_alarm_allocation_total",
            ["allocation_id", "chart"],
            unique=True,
            sqlite_where=sa.text("criterion IS NULL"),
            postgresql_where=sa.text("criterion IS NULL"),
        )

    op.create_table(
        "anchor_marking",
        sa.Column("anchor_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["anchor_id"], ["anchor_paper.id"], name=op.f("fk_anchor_marking_anchor_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_anchor_marking_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_anchor_marking")),
        sa.UniqueConstraint(
            "anchor_id", "person_id", name=op.f("uq_anchor_marking_anchor_id_person_id")
        ),
    )
    op.create_table(
        "anchor_reading",
        sa.Column("allocation_id", sa.String(length=32), nullable=False),
        sa.Column("anchor_id", sa.String(length=32), nullable=False),
        sa.Column("attempt_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name=op.f("fk_anchor_reading_allocation_id")
        ),
        sa.ForeignKeyConstraint(
            ["anchor_id"], ["anchor_paper.id"], name=op.f("fk_anchor_reading_anchor_id")
        ),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["calibration_attempt.id"], name=op.f("fk_anchor_reading_attempt_id")
        ),
        sa.PrimaryKeyConstraint("allocation_id", name=op.f("pk_anchor_reading")),
    )
    with op.batch_alter_table("anchor_reading", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_anchor_reading_anchor_id"), ["anchor_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_anchor_reading_attempt_id"), ["attempt_id"], unique=False
        )

    op.create_table(
        "quarantine",
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("criterion", sa.String(length=60), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("alarm_id", sa.String(length=32), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by_id", sa.String(length=32), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint("state IN ('in_force', 'lifted')", name=op.f("ck_quarantine_state")),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_quarantine_alarm_id")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_quarantine_by_id")),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name=op.f("fk_quarantine_cohort_id")),
        sa.ForeignKeyConstraint(
            ["lifted_by_id"], ["person.id"], name=op.f("fk_quarantine_lifted_by_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_quarantine_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.create_index("ix_quarantine_cohort_id_state", ["cohort_id", "state"], unique=False)

    op.create_table(
        "quarantined_rating",
        sa.Column("quarantine_id", sa.String(length=32), nullable=False),
        sa.Column("rating_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["quarantine_id"], ["quarantine.id"], name=op.f("fk_quarantined_rating_quarantine_id")
        ),
        sa.ForeignKeyConstraint(
            ["rating_id"], ["rating.id"], name=op.f("fk_quarantined_rating_rating_id")
        ),
        sa.PrimaryKeyConstraint("quarantine_id", "rating_id", name=op.f("pk_quarantined_rating")),
    )
    with op.batch_alter_table("quarantined_rating", schema=None) as batch_op:
        batch_op.create_index("ix_quarantined_rating_rating_id", ["rating_id"], unique=False)

    with op.batch_alter_table("cohort", schema=None) as batch_op:
        batch_op.add_column(sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_submission_state"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_submission_state"),
            "state IN ('draft', 'contestable', 'contested', 'submitted', 'begun', 'discrepant', 'resolved', 'released', 'withdrawn', 'withheld', 'anchor')",
        )
        batch_op.add_column(sa.Column("routed", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(
            sa.Column("example_consent_at", sa.DateTime(timezone=True), nullable=True)
        )

    with op.batch_alter_table("submission_file", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_submission_file_key"), type_="unique")
        batch_op.create_index(batch_op.f("ix_submission_file_key"), ["key"], unique=False)

    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_allocation_purpose"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_allocation_purpose"),
            "purpose IN ('live', 'second_reading', 'adjudication', 'appeal', 'practice', 'qualification', 'validity')",
        )

    # A cohort that runs goes on as it was agreed: its graders are not asked to be cleared midway.
    plans = sa.table("plan_version", sa.column("id"), sa.column("choices", sa.JSON()))
    connection = op.get_bind()
    for plan_id, choices in list(connection.execute(sa.select(plans.c.id, plans.c.choices))):
        before = json.loads(choices) if isinstance(choices, str) else choices
        connection.execute(
            plans.update()
            .where(plans.c.id == plan_id)
            .values(choices={"calibration": "off", "check_every": 0, **before})
        )
