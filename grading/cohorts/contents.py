"""From a record's lines to what its credentials say."""

from datetime import date
from typing import Any

from grading.credential import evidence as evidences
from grading.credential.document import (
    NAME,
    NAME_UNCHECKED,
    Assurance,
    Badge,
    CriterionResult,
    LevelText,
    plain,
)
from grading.models import CredentialRecord, RecordEntry
from grading.rubric.definition import Rubric
from grading.workflow.credential import IdentityAssurance

# Credentials speak English whatever language the pages speak.
ASSURANCE = {
    IdentityAssurance.DOCUMENT: "Identity was checked by a person against a document.",
    IdentityAssurance.PROCTORED: "Identity was checked at a proctored examination.",
    IdentityAssurance.SIGN_IN: "Identity rests on an institution's sign-in.",
    IdentityAssurance.ATTESTED: "Identity is attested by the learner.",
}

NAME_CHECKED = {
    IdentityAssurance.DOCUMENT: "was checked by a person against a document",
    IdentityAssurance.PROCTORED: "was checked at a proctored examination",
    IdentityAssurance.SIGN_IN: "rests on an institution's sign-in",
}


def name_words(record: CredentialRecord) -> str:
    """Say in one sentence how the name on a record was verified, or that nobody has."""
    if record.name_how is None or record.name_checked_on is None:
        return NAME_UNCHECKED
    how = NAME_CHECKED[IdentityAssurance(record.name_how)]
    return f"{NAME}{how} ({record.name_checked_on.isoformat()})."


def badge(
    record: CredentialRecord,
    entry: RecordEntry,
    evidence: dict[str, Any] | None,
    *,
    base_url: str,
) -> Badge:
    """Say what the credential of a completed course, or of a passed capstone, says."""
    if evidence is None:
        return _course(record, entry, base_url)
    return _capstone(record, entry, evidence, base_url)


def program_badge(record: CredentialRecord, *, base_url: str) -> Badge:
    """Say what the credential of a completed program says."""
    program = record.program
    titles = ", ".join(course.title for course in program.courses)
    return Badge(
        achievement=f"{base_url}/achievements/{program.id}",
        kind="LearningProgram",
        title=program.name,
        description=f"A program of {program.sponsor.issuer}: {titles}, and the capstone "
        f"“{program.capstone_title}”.",
        criteria="Every course completed and the capstone passed.",
        awarded=completion_day(record),
    )


def completion_day(record: CredentialRecord) -> date:
    """Give the day on which a program was completed, where its capstone was: as the capstone's own day."""
    capstone = record.capstone
    assert record.completed_at is not None
    if capstone is None or capstone.grade is None:
        return record.completed_at.date()
    return record.completed_at.astimezone(capstone.grade.submission.cohort.zone).date()


def _course(record: CredentialRecord, entry: RecordEntry, base_url: str) -> Badge:
    program, detail = record.program, entry.detail
    through = f" It was completed through the course {detail['via']}." if detail.get("via") else ""
    return Badge(
        achievement=f"{base_url}/achievements/{entry.course_id}",
        kind="Course",
        title=entry.title,
        description=f"A course of the program “{program.name}”.",
        criteria=f"The course was completed.{through}",
        awarded=entry.on,
        hours=detail.get("hours"),
        assurance=(_assurance(detail["identity_assurance"]),),
    )


def _capstone(
    record: CredentialRecord, entry: RecordEntry, evidence: dict[str, Any], base_url: str
) -> Badge:
    detail = entry.detail
    assert entry.grade is not None
    cohort = entry.grade.submission.cohort
    cut = plain(detail["scale"]["cut"])
    provisional = " The pass mark is provisional." if detail["scale"]["provisional"] else ""
    return Badge(
        achievement=f"{base_url}/achievements/{cohort.id}",
        kind="Assessment",
        title=entry.title,
        description=f"The capstone of the program “{record.program.name}”.",
        summary=f"{detail['band']}, {detail['value']} of 100.{_group_words(detail)}",
        criteria=f"A project read against the rubric “{detail['rubric']['name']}”, version "
        f"{detail['rubric']['version']}, with a grade of at least {cut} of 100.{provisional}",
        awarded=entry.on,
        hours=detail.get("hours"),
        assurance=(_assurance(evidence["assurance"]["how"], evidence["assurance"]["on"]),),
        value=detail["value"],
        cut=cut,
        bands=tuple((plain(low), name) for low, name in detail["scale"]["bands"]),
        band=detail["band"],
        results=_results(cohort.rubric_version.rubric, detail["criteria"]),
        evidence=(evidences.statement(evidence),),
    )


def _group_words(detail: dict[str, Any]) -> str:
    if not detail.get("group"):
        return ""
    return (
        f" Done in a group of {detail['group']}; each member was assessed on the work they handed in "
        "together."
    )


def _results(rubric: Rubric, given: list[dict[str, Any]]) -> tuple[CriterionResult, ...]:
    found = []
    for one in given:
        criterion = rubric.criterion(one["code"])
        levels = tuple(
            LevelText(level.name, float(level.points), level.descriptor)
            for level in criterion.levels
        )
        found.append(
            CriterionResult(
                criterion.code, criterion.title, levels, float(one["level"]), float(one["points"])
            )
        )
    return tuple(found)


def _assurance(how: str, on: str | None = None) -> Assurance:
    words = ASSURANCE[IdentityAssurance(how)]
    return Assurance(how, f"{words.removesuffix('.')} ({on})." if on else words)
