"""Conflicts of interest can be imported, and that import undone."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    with op.batch_alter_table("import_batch", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_import_batch_kind"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_import_batch_kind"),
            "kind IN ('roster', 'completions', 'entitlements', 'conflicts')",
        )
