"""Identity checks say what kind of document was seen, and which issuer vouched; sign-ins by OpenID."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    with op.batch_alter_table("identity_check", schema=None) as batch_op:
        batch_op.add_column(sa.Column("document", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("issuer", sa.String(length=400), nullable=True))
        batch_op.create_check_constraint(
            "document",
            "document IN ('passport', 'identity_card', 'driving_licence', 'residence_permit', "
            "'other')",
        )
    op.create_table(
        "sign_in_link",
        sa.Column("issuer", sa.String(length=400), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_sign_in_link_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_link")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_sign_in_link_issuer_subject")),
    )
    with op.batch_alter_table("sign_in_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_link_person_id"), ["person_id"], unique=False)
