"""Levels that stand out are kept with the other statistics."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    with op.batch_alter_table("cohort_statistics", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_cohort_statistics_kind"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_cohort_statistics_kind"),
            "kind IN ('agreement', 'severity', 'generalizability', 'risk', 'outliers')",
        )
