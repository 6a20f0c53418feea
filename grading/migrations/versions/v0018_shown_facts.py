"""What an address of a record shows, fact by fact; how its name was verified; looks of one's own apart."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_USUAL = '["courses", "level", "judged"]'
_HOW = "name_how IN ('document', 'proctored', 'institutional_sign_in', 'attested')"


def upgrade() -> None:
    usual = sa.text(f"'{_USUAL}'")
    with op.batch_alter_table("credential_record") as record:
        record.add_column(sa.Column("name_how", sa.String(30)))
        record.add_column(sa.Column("name_checked_on", sa.Date()))
        record.add_column(sa.Column("shows", sa.JSON(), nullable=False, server_default=usual))
        record.create_check_constraint("name_how", _HOW)
        record.create_check_constraint(
            "name_checked", "(name_how IS NULL) = (name_checked_on IS NULL)"
        )
    with op.batch_alter_table("public_view") as view:
        view.add_column(sa.Column("own", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("share_link") as link:
        link.add_column(sa.Column("shows", sa.JSON(), nullable=False, server_default=usual))
    # What a link showed it goes on showing; the signed files it listed without being asked it no longer does.
    for chosen, more in (
        ("show_criteria AND NOT show_score", ', "criteria"'),
        ("show_score AND NOT show_criteria", ', "score"'),
        ("show_score AND show_criteria", ', "criteria", "score"'),
    ):
        op.execute(f"UPDATE share_link SET shows = '{_USUAL[:-1]}{more}]' WHERE {chosen}")
    with op.batch_alter_table("share_link") as link:
        link.drop_column("show_score")
        link.drop_column("show_criteria")
