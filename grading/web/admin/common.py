"""What the set-up pages share: the blueprint, finding records, reading what was uploaded."""

from typing import Any

from flask import Blueprint, g
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from sqlalchemy import ColumnElement, func, select
from wtforms import TextAreaField

from grading.authorization.permissions import Permission
from grading.authorization.policy import permits
from grading.db import db
from grading.errors import Fault, FaultsFound
from grading.models import Cohort, ImportBatch, Program
from grading.web.access import load
from grading.web.forms import Form

bp = Blueprint("admin", __name__, url_prefix="/admin")

SERVICE = Permission.SERVICE_MANAGE
OFFICE = Permission.OFFICE_USE
PROGRAM = Permission.PROGRAM_MANAGE
COHORT = Permission.COHORT_MANAGE
PAGE = 50
RECENT = 20


class UploadForm(Form):
    """A file, or its text pasted."""

    file = FileField()
    text = TextAreaField(
        _l("Or paste its text"), render_kw={"class": "mono", "spellcheck": "false"}
    )

    def read(self, most: int) -> bytes:
        """Read what was uploaded, or else pasted; the page shows it as text when it is refused.

        What is no UTF-8 is not shown: whoever sent it again would send what stands in place of its letters.

        Raises
        ------
        FaultsFound
            Neither came, or more than ``most`` bytes.
        """
        data = self.file.data.read(most + 1) if self.file.data else b""
        data = data or self.text.data.encode()
        if not data.strip():
            raise FaultsFound([Fault("file", "Choose a file, or paste its text.")])
        if len(data) > most:
            raise FaultsFound(
                [Fault("file", "This is larger than %(n)s KB. Split it.", {"n": most // 1000})]
            )
        try:
            self.text.data = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            self.text.data = ""
        return bytes(data)


def find_program(program_id: str) -> Program:
    """Find a program for its own office."""
    return load(Program, program_id, PROGRAM)


def find_cohort(cohort_id: str) -> Cohort:
    """Find a cohort for whoever runs it; its zone is the page's."""
    cohort = load(Cohort, cohort_id, COHORT)
    g.cohort_zone = cohort.zone
    # Coordinators and instructors run the cohort, and its program's pages are not theirs.
    g.office = permits(g.who, PROGRAM)
    return cohort


def optional_number(text: str, kind: type = float) -> Any:
    """Read a number, or None where nothing is written; raises `ValueError`."""
    return kind(text.strip()) if text.strip() else None


def recent_batches(*conditions: ColumnElement[bool]) -> list[Any]:
    """List the latest imports of a place with the size of each, without what they made."""
    return list(
        db.session.execute(
            select(
                ImportBatch.id,
                ImportBatch.kind,
                ImportBatch.program_id,
                ImportBatch.cohort_id,
                ImportBatch.at,
                ImportBatch.undone_at,
                func.json_array_length(ImportBatch.made).label("size"),
            )
            .where(*conditions)
            .order_by(ImportBatch.at.desc())
            .limit(RECENT)
        )
    )
