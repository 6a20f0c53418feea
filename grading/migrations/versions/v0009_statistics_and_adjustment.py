"""Stored statistics, and scores that are adjusted for who read."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "cohort_statistics",
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("fingerprint", sa.String(length=80), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('agreement', 'severity', 'generalizability', 'risk')",
            name=op.f("ck_cohort_statistics_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohort.id"], name=op.f("fk_cohort_statistics_cohort_id")
        ),
        sa.PrimaryKeyConstraint("cohort_id", "kind", name=op.f("pk_cohort_statistics")),
    )
    op.create_table(
        "adjustment",
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("works", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=80), nullable=False),
        sa.Column("plan_digest", sa.String(length=64), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name=op.f("fk_adjustment_cohort_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjustment")),
        sa.UniqueConstraint("cohort_id", "number", name=op.f("uq_adjustment_cohort_id_number")),
    )
    with op.batch_alter_table("score", schema=None) as batch_op:
        batch_op.add_column(sa.Column("adjustment", sa.JSON(), nullable=True))

    # A cohort that runs goes on as it was agreed: no share of peers, and no gate it did not know.
    plans = sa.table("plan_version", sa.column("id"), sa.column("choices", sa.JSON()))
    connection = op.get_bind()
    for plan_id, choices in list(connection.execute(sa.select(plans.c.id, plans.c.choices))):
        before = json.loads(choices) if isinstance(choices, str) else choices
        connection.execute(
            plans.update()
            .where(plans.c.id == plan_id)
            .values(choices={"peer_weight": 0.0, "gate_wrong_side": 1.0, **before})
        )
