"""Rubric versions of a program: kept as drafts, then published and fixed for good."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import FaultsFound, Refused
from grading.ledger import audit
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    Person,
    Program,
    RubricVersion,
)
from grading.rubric.definition import Rubric
from grading.rubric.loading import publishing_faults


def add_rubric(
    session: Session, actor: Person | None, program: Program, rubric: Rubric, *, now: datetime
) -> RubricVersion:
    """Keep a rubric for a program as a draft; the same rubric again is the same version.

    Raises
    ------
    Refused
        Another rubric has this name and version.
    """
    take_turns(session, program)
    known = session.scalar(
        select(RubricVersion).where(
            RubricVersion.program_id == program.id, RubricVersion.digest == rubric.digest
        )
    )
    if known is not None:
        return known
    if session.scalar(
        select(RubricVersion.id).where(
            RubricVersion.program_id == program.id,
            RubricVersion.name == rubric.name,
            RubricVersion.number == rubric.version,
        )
    ):
        raise Refused(
            "Version %(number)s of “%(name)s” exists and differs. Give the changed rubric a new version.",
            number=rubric.version,
            name=rubric.name,
        )
    version = RubricVersion(
        program=program,
        digest=rubric.digest,
        name=rubric.name,
        number=rubric.version,
        definition=rubric.to_dict(),
        created_at=now,
    )
    audit.add(session, actor, "rubric:add", version, now=now, after={"digest": rubric.digest})
    return version


def publish_rubric(
    session: Session, actor: Person | None, version: RubricVersion, *, now: datetime
) -> None:
    """Make a rubric version usable, and fixed for good.

    Raises
    ------
    FaultsFound
        A course that no criterion draws on, or a criterion that draws on no course of the program.
    """
    take_turns(session, version)
    codes = [course.code for course in version.program.courses]
    if faults := publishing_faults(version.rubric, codes):
        raise FaultsFound(faults)
    move(session, version, "publish", actor=actor, now=now, published_at=now)
