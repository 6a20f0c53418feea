"""Passkeys, and approvals that are signed with them."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_ACTIONS = "action IN ('release:propose', 'release:sign', 'record:revoke', 'passkey:add')"


def upgrade() -> None:
    op.create_table(
        "passkey",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("party", sa.String(length=253), nullable=False),
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("synced", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_by", sa.String(length=32), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint("sign_count >= 0", name=op.f("ck_passkey_sign_count")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_passkey_person_id")),
        sa.ForeignKeyConstraint(["removed_by"], ["person.id"], name=op.f("fk_passkey_removed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential", name=op.f("uq_passkey_credential")),
    )
    with op.batch_alter_table("passkey", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_passkey_person_id"), ["person_id"], unique=False)
    op.create_table(
        "challenge",
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.String(length=32), nullable=False),
        sa.Column("cohort_id", sa.String(length=32), nullable=True),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("records", sa.JSON(), nullable=False),
        sa.Column("note", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(_ACTIONS, name=op.f("ck_challenge_action")),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name=op.f("fk_challenge_cohort_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_challenge_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_challenge")),
        sa.UniqueConstraint("nonce", name=op.f("uq_challenge_nonce")),
    )
    with op.batch_alter_table("challenge", schema=None) as batch_op:
        batch_op.create_index(
            "ix_challenge_person_id_expires_at", ["person_id", "expires_at"], unique=False
        )
    op.create_table(
        "approval",
        sa.Column("cohort_id", sa.String(length=32), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("records", sa.JSON(), nullable=False),
        sa.Column("note", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("proof", sa.String(length=20), nullable=False),
        sa.Column("passkey_id", sa.String(length=32), nullable=True),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("authenticator_data", sa.Text(), nullable=True),
        sa.Column("client_data", sa.Text(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(_ACTIONS, name=op.f("ck_approval_action")),
        sa.CheckConstraint("proof IN ('passkey', 'password')", name=op.f("ck_approval_proof")),
        sa.CheckConstraint(
            "(proof = 'passkey') = (passkey_id IS NOT NULL AND origin IS NOT NULL AND "
            "authenticator_data IS NOT NULL AND client_data IS NOT NULL AND signature IS NOT NULL)",
            name=op.f("ck_approval_signed"),
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name=op.f("fk_approval_cohort_id")),
        sa.ForeignKeyConstraint(
            ["passkey_id"], ["passkey.id"], name=op.f("fk_approval_passkey_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_approval_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        sa.UniqueConstraint("nonce", name=op.f("uq_approval_nonce")),
        sa.UniqueConstraint(
            "subject_id",
            "person_id",
            "action",
            name=op.f("uq_approval_subject_id_person_id_action"),
        ),
    )
    with op.batch_alter_table("approval", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_approval_cohort_id"), ["cohort_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_approval_subject_id"), ["subject_id"], unique=False)
    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.add_column(sa.Column("changes", sa.JSON(), nullable=True))
        batch_op.drop_constraint(batch_op.f("ck_release_state"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_release_state"),
            "state IN ('proposed', 'scheduled', 'released', 'stopped', 'void')",
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_release_void"), "state <> 'void' OR changes IS NOT NULL"
        )

    # A cohort that has its plan goes on as it was agreed: nothing but the sign-offs.
    plans = sa.table("plan_version", sa.column("id"), sa.column("choices", sa.JSON()))
    connection = op.get_bind()
    for plan_id, choices in list(connection.execute(sa.select(plans.c.id, plans.c.choices))):
        before = json.loads(choices) if isinstance(choices, str) else choices
        connection.execute(
            plans.update().where(plans.c.id == plan_id).values(choices={"step_up": "off", **before})
        )
