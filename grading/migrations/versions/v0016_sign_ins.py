"""Sign-ins that the service can end, and mailed links that end with them."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "sign_in",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idle_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_sign_in_person_id"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sign_in"),
    )
    op.create_index("ix_sign_in_person_id", "sign_in", ["person_id"])
    # A used link is one that is not there; the others stay good, as their mails say.
    op.execute("DELETE FROM password_reset WHERE used_at IS NOT NULL")
    with op.batch_alter_table("password_reset") as table:
        table.add_column(sa.Column("epoch", sa.Integer()))
        table.drop_column("used_at")
    op.execute("UPDATE password_reset SET epoch = (SELECT epoch FROM person WHERE id = person_id)")
    with op.batch_alter_table("password_reset") as table:
        table.alter_column("epoch", existing_type=sa.Integer(), nullable=False)
