"""More time and conflicts of interest are signed where they amend results."""

from alembic import op

revision = "0015"
down_revision = "0014"

_ACTIONS = (
    "release:propose",
    "release:sign",
    "record:revoke",
    "appeal:decide",
    "member:set_points",
    "extension:grant",
    "conflict_of_interest:declare",
    "misconduct_case:uphold",
    "passkey:add",
)


def upgrade() -> None:
    words = ", ".join(f"'{action}'" for action in _ACTIONS)
    for table in ("approval", "challenge"):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"ck_{table}_action"), type_="check")
            batch.create_check_constraint(op.f(f"ck_{table}_action"), f"action IN ({words})")
