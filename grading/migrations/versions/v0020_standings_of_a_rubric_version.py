"""Standings belong to a rubric version and a person, and can be given by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_ACTIONS = (
    "release:propose",
    "release:sign",
    "record:revoke",
    "appeal:decide",
    "member:set_points",
    "extension:grant",
    "conflict_of_interest:declare",
    "misconduct_case:uphold",
    "standing:clear_by_hand",
    "passkey:add",
)


def upgrade() -> None:
    words = ", ".join(f"'{action}'" for action in _ACTIONS)
    for table in ("approval", "challenge"):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"ck_{table}_action"), type_="check")
            batch.create_check_constraint(op.f(f"ck_{table}_action"), f"action IN ({words})")
    with op.batch_alter_table("standing") as standing:
        standing.add_column(sa.Column("rubric_version_id", sa.String(32)))
        standing.add_column(sa.Column("cleared_by_id", sa.String(32)))
        standing.add_column(sa.Column("reason", sa.Text()))
        standing.drop_constraint(op.f("uq_standing_cohort_id_person_id_criterion"), type_="unique")
    op.execute(
        "UPDATE standing SET rubric_version_id ="
        " (SELECT rubric_version_id FROM cohort WHERE cohort.id = standing.cohort_id)"
    )
    # Of what two cohorts say of one person and criterion, the newest word that is more than a failure.
    op.execute(
        "DELETE FROM standing WHERE id NOT IN (SELECT id FROM (SELECT id, row_number() OVER"
        " (PARTITION BY rubric_version_id, person_id, criterion ORDER BY"
        " CASE WHEN state IN ('not_qualified', 'expired') THEN 1 ELSE 0 END, since DESC, id) AS place"
        " FROM standing) AS ranked WHERE place = 1)"
    )
    with op.batch_alter_table("standing") as standing:
        standing.alter_column("rubric_version_id", existing_type=sa.String(32), nullable=False)
        standing.create_foreign_key(
            op.f("fk_standing_rubric_version_id"), "rubric_version", ["rubric_version_id"], ["id"]
        )
        standing.create_foreign_key(
            op.f("fk_standing_cleared_by_id"), "person", ["cleared_by_id"], ["id"]
        )
        standing.create_unique_constraint(
            op.f("uq_standing_rubric_version_id_person_id_criterion"),
            ["rubric_version_id", "person_id", "criterion"],
        )
