"""Share links, views, the digest, results that were seen, and credentials that expire."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "share_link",
        sa.Column("record_id", sa.String(length=32), nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("show_score", sa.Boolean(), nullable=False),
        sa.Column("show_criteria", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replaces_id", sa.String(length=32), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["credential_record.id"], name=op.f("fk_share_link_record_id")
        ),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["share_link.id"], name=op.f("fk_share_link_replaces_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_link")),
        sa.UniqueConstraint("public_id", name=op.f("uq_share_link_public_id")),
        sa.UniqueConstraint("replaces_id", name=op.f("uq_share_link_replaces_id")),
    )
    op.create_index(op.f("ix_share_link_record_id"), "share_link", ["record_id"])

    op.create_table(
        "public_view",
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("public_id", "on", name=op.f("pk_public_view")),
    )
    op.create_table(
        "bulk_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ids", sa.Integer(), nullable=False),
        sa.CheckConstraint("ids > 0", name=op.f("ck_bulk_check_ids")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_check")),
    )
    op.create_index("ix_bulk_check_key_at", "bulk_check", ["key", "at"])
    op.create_table(
        "grade_seen",
        sa.Column("grade_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["grade_id"], ["grade.id"], name=op.f("fk_grade_seen_grade_id")),
        sa.PrimaryKeyConstraint("grade_id", name=op.f("pk_grade_seen")),
    )

    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("digest", sa.Boolean(), nullable=False, server_default=sa.true())
        )
    with op.batch_alter_table("program", schema=None) as batch_op:
        batch_op.add_column(sa.Column("valid_months", sa.Integer(), nullable=True))
    with op.batch_alter_table("credential_record", schema=None) as batch_op:
        batch_op.add_column(sa.Column("expires_on", sa.Date(), nullable=True))
