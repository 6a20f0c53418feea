"""Hold the tables in the audit chain: a seal of each row that is written, held by an entry."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "seal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("row", sa.String(length=80), nullable=False),
        sa.Column("digest", sa.String(length=64)),
        sa.Column("salt", sa.String(length=32)),
        sa.PrimaryKeyConstraint("id", name="pk_seal"),
    )
    op.create_index("ix_seal_chain_number", "seal", ["chain", "number"])
    op.create_index("ix_seal_row", "seal", ["row"])
    with op.batch_alter_table("audit_entry") as batch:
        batch.add_column(sa.Column("sealed", sa.String(length=64)))
