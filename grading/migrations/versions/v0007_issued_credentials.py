"""Issuers' keys, issued credentials, and their status lists."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "signing_key",
        sa.Column("sponsor_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("did", sa.String(length=255), nullable=False),
        sa.Column("fragment", sa.String(length=80), nullable=False),
        sa.Column("public", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "(state = 'active') = (ended_at IS NULL)", name=op.f("ck_signing_key_ended")
        ),
        sa.CheckConstraint("kind IN ('ed25519', 'rsa')", name=op.f("ck_signing_key_kind")),
        sa.CheckConstraint(
            "state IN ('active', 'retired', 'withdrawn')", name=op.f("ck_signing_key_state")
        ),
        sa.ForeignKeyConstraint(
            ["sponsor_id"], ["sponsor.id"], name=op.f("fk_signing_key_sponsor_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
        sa.UniqueConstraint(
            "sponsor_id", "fragment", name=op.f("uq_signing_key_sponsor_id_fragment")
        ),
    )
    with op.batch_alter_table("signing_key", schema=None) as batch_op:
        batch_op.create_index(
            "uq_signing_key_active",
            ["sponsor_id", "kind"],
            unique=True,
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        )

    op.create_table(
        "status_list",
        sa.Column("sponsor_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(length=400), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", sa.JSON(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["sponsor_id"], ["sponsor.id"], name=op.f("fk_status_list_sponsor_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_list")),
        sa.UniqueConstraint("sponsor_id", "number", name=op.f("uq_status_list_sponsor_id_number")),
        sa.UniqueConstraint("url", name=op.f("uq_status_list_url")),
    )
    op.create_table(
        "identity_check",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=True),
        sa.Column("how", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("holds_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "how IN ('document', 'proctored', 'institutional_sign_in', 'attested')",
            name=op.f("ck_identity_check_how"),
        ),
        sa.CheckConstraint("holds_until > at", name=op.f("ck_identity_check_holds")),
        sa.CheckConstraint("person_id <> by_id", name=op.f("ck_identity_check_another")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_identity_check_by_id")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_identity_check_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_identity_check_submission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_check")),
    )
    with op.batch_alter_table("identity_check", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_identity_check_person_id"), ["person_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_identity_check_submission_id"), ["submission_id"], unique=False
        )

    op.create_table(
        "issued_credential",
        sa.Column("url", sa.String(length=400), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("program_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("about", sa.String(length=32), nullable=False),
        sa.Column("achievement", sa.String(length=400), nullable=False),
        sa.Column("course_id", sa.String(length=32), nullable=True),
        sa.Column("grade_id", sa.String(length=32), nullable=True),
        sa.Column("record_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("replaces_id", sa.String(length=32), nullable=True),
        sa.Column("facts", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("salt", sa.String(length=40), nullable=True),
        sa.Column("status_list_id", sa.String(length=32), nullable=False),
        sa.Column("status_index", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(length=32), nullable=False),
        sa.Column("token_key_id", sa.String(length=32), nullable=False),
        sa.Column("document", sa.JSON(), nullable=True),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "(state = 'valid') = (ended_at IS NULL)", name=op.f("ck_issued_credential_ended")
        ),
        sa.CheckConstraint(
            "kind IN ('course', 'capstone', 'program')", name=op.f("ck_issued_credential_kind")
        ),
        sa.CheckConstraint(
            "state IN ('valid', 'replaced', 'revoked')", name=op.f("ck_issued_credential_state")
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["course.id"], name=op.f("fk_issued_credential_course_id")
        ),
        sa.ForeignKeyConstraint(
            ["grade_id"], ["grade.id"], name=op.f("fk_issued_credential_grade_id")
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["signing_key.id"], name=op.f("fk_issued_credential_key_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_issued_credential_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["program_id"], ["program.id"], name=op.f("fk_issued_credential_program_id")
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["credential_record.id"], name=op.f("fk_issued_credential_record_id")
        ),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["issued_credential.id"], name=op.f("fk_issued_credential_replaces_id")
        ),
        sa.ForeignKeyConstraint(
            ["status_list_id"], ["status_list.id"], name=op.f("fk_issued_credential_status_list_id")
        ),
        sa.ForeignKeyConstraint(
            ["token_key_id"], ["signing_key.id"], name=op.f("fk_issued_credential_token_key_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issued_credential")),
        sa.UniqueConstraint("replaces_id", name=op.f("uq_issued_credential_replaces_id")),
        sa.UniqueConstraint(
            "status_list_id",
            "status_index",
            name=op.f("uq_issued_credential_status_list_id_status_index"),
        ),
        sa.UniqueConstraint("url", name=op.f("uq_issued_credential_url")),
    )
    with op.batch_alter_table("issued_credential", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_issued_credential_achievement"), ["achievement"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_issued_credential_grade_id"), ["grade_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_issued_credential_key_id"), ["key_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_issued_credential_person_id"), ["person_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_issued_credential_record_id"), ["record_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_issued_credential_token_key_id"), ["token_key_id"], unique=False
        )
        batch_op.create_index(
            "uq_issued_credential_valid",
            ["program_id", "person_id", "about"],
            unique=True,
            sqlite_where=sa.text("state = 'valid'"),
            postgresql_where=sa.text("state = 'valid'"),
        )
