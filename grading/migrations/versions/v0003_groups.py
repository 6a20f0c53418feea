"""Members of submissions, objections, points of one member, a grade for each member."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_STATES = (
    "'draft', 'contestable', 'contested', 'submitted', 'begun', 'discrepant', 'resolved', "
    "'released', 'withdrawn', 'withheld'"
)
_HOLDS_A_PLACE = sa.text("state IN ('joined', 'withdrawn')")


def upgrade() -> None:
    op.create_table(
        "submission_member",
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("invited_by_id", sa.String(length=32), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "state IN ('invited', 'joined', 'declined', 'left', 'removed', 'withdrawn', 'author')",
            name=op.f("ck_submission_member_state"),
        ),
        sa.CheckConstraint(
            "state <> 'withdrawn' OR ended_at IS NOT NULL",
            name=op.f("ck_submission_member_withdrawn"),
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohort.id"], name=op.f("fk_submission_member_cohort_id")
        ),
        sa.ForeignKeyConstraint(
            ["invited_by_id"], ["person.id"], name=op.f("fk_submission_member_invited_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_submission_member_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_submission_member_submission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission_member")),
        sa.UniqueConstraint(
            "submission_id",
            "person_id",
            name=op.f("uq_submission_member_submission_id_person_id"),
        ),
    )
    with op.batch_alter_table("submission_member", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_submission_member_person_id"), ["person_id"], unique=False
        )
        batch_op.create_index(
            "uq_submission_member_one_work",
            ["cohort_id", "person_id", "attempt"],
            unique=True,
            sqlite_where=_HOLDS_A_PLACE,
            postgresql_where=_HOLDS_A_PLACE,
        )

    op.create_table(
        "objection",
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("copy", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.String(length=32), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'returned', 'upheld', 'dismissed', 'withdrawn')",
            name=op.f("ck_objection_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('upheld', 'dismissed') OR (decided_by_id IS NOT NULL AND decided_at IS NOT NULL AND answer IS NOT NULL)",
            name=op.f("ck_objection_decided"),
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name=op.f("fk_objection_cohort_id")),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["person.id"], name=op.f("fk_objection_decided_by_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_objection_person_id")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_objection_submission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection")),
    )
    with op.batch_alter_table("objection", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_objection_cohort_id"), ["cohort_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_objection_submission_id"), ["submission_id"], unique=False
        )

    op.create_table(
        "member_points",
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint("points BETWEEN -100 AND 100", name=op.f("ck_member_points_points")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_member_points_by_id")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_member_points_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_member_points_submission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_points")),
        sa.UniqueConstraint(
            "submission_id",
            "person_id",
            "number",
            name=op.f("uq_member_points_submission_id_person_id_number"),
        ),
    )
    with op.batch_alter_table("member_points", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_member_points_submission_id"), ["submission_id"], unique=False
        )

    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_submission_state"), type_="check")
        batch_op.create_check_constraint(op.f("ck_submission_state"), f"state IN ({_STATES})")
        batch_op.drop_constraint(
            batch_op.f("uq_submission_cohort_id_learner_id_attempt"), type_="unique"
        )
        batch_op.add_column(
            sa.Column("group_name", sa.String(length=100), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("join_code", sa.String(length=20), nullable=True))
        batch_op.add_column(
            sa.Column("objections_until", sa.DateTime(timezone=True), nullable=True)
        )
        batch_op.create_unique_constraint(batch_op.f("uq_submission_join_code"), ["join_code"])

    _members_of_what_there_is()

    with op.batch_alter_table("grade", schema=None) as batch_op:
        batch_op.add_column(sa.Column("person_id", sa.String(length=32), nullable=True))
    op.execute(
        "UPDATE grade SET person_id = "
        "(SELECT learner_id FROM submission WHERE submission.id = grade.submission_id)"
    )
    with op.batch_alter_table("grade", schema=None) as batch_op:
        batch_op.alter_column("person_id", existing_type=sa.String(length=32), nullable=False)
        batch_op.drop_constraint(batch_op.f("uq_grade_submission_id_number"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_grade_submission_id_person_id_number"),
            ["submission_id", "person_id", "number"],
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_grade_person_id"), "person", ["person_id"], ["id"]
        )
        batch_op.create_index(batch_op.f("ix_grade_person_id"), ["person_id"], unique=False)


def _members_of_what_there_is() -> None:
    """Until now a submission had one learner: that one is its member."""
    works = sa.table(
        "submission",
        *(sa.column(name) for name in ("id", "learner_id", "cohort_id", "attempt", "state")),
        sa.column("created_at", sa.DateTime(timezone=True)),
        sa.column("saved_at", sa.DateTime(timezone=True)),
        sa.column("withdrawn_at", sa.DateTime(timezone=True)),
    )
    members = sa.table(
        "submission_member",
        *(
            sa.column(name)
            for name in (
                "id", "submission_id", "person_id", "cohort_id", "attempt", "state", "version",
            )
        ),
        sa.column("since", sa.DateTime(timezone=True)),
        sa.column("ended_at", sa.DateTime(timezone=True)),
    )  # fmt: skip
    connection = op.get_bind()
    rows = [
        {
            "id": secrets.token_urlsafe(12),
            "submission_id": row.id,
            "person_id": row.learner_id,
            "cohort_id": row.cohort_id,
            "attempt": row.attempt,
            "state": "withdrawn" if row.state == "withdrawn" else "joined",
            "version": 1,
            "since": row.created_at,
            "ended_at": (row.withdrawn_at or row.saved_at) if row.state == "withdrawn" else None,
        }
        for row in connection.execute(sa.select(works))
    ]
    if rows:
        connection.execute(sa.insert(members), rows)
