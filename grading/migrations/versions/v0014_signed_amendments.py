"""Whoever changes what was released signs it: a decision on an appeal, points of a member, a case."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

ACTIONS = (
    "action IN ('release:propose', 'release:sign', 'record:revoke', 'appeal:decide', "
    "'member:set_points', 'misconduct_case:uphold', 'passkey:add')"
)


def upgrade() -> None:
    for table in ("challenge", "approval"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(op.f(f"ck_{table}_action"), type_="check")
            batch_op.create_check_constraint(op.f(f"ck_{table}_action"), ACTIONS)
    with op.batch_alter_table("challenge", schema=None) as batch_op:
        batch_op.add_column(sa.Column("entered", sa.JSON(), nullable=True))
