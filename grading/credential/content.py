"""The content of a signed document, taken back out of it, for a page that shows nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from grading.errors import PermanentFailure


@dataclass(frozen=True)
class Level:
    """What a document says was reached on a criterion; ``number`` of ``most``, from 0."""

    title: str
    name: str
    number: int
    most: int


@dataclass(frozen=True)
class AwardedPart:
    """A member of a program's document: a course or the capstone, with the day it was awarded."""

    title: str
    awarded: date


@dataclass(frozen=True)
class Content:
    """What a document says.

    Attributes
    ----------
    learner, issuer : str
        Names as they were signed.
    summary, criteria : str
        What was reached, and what was asked for.
    identity : str
        How it was known who the learner is; empty where the document does not say.
    value, cut : str or None
        Grade and pass mark of 100; None where there is no grade.
    evidence : tuple of str
        What a reader may be told of the evidence, a line each.
    levels : tuple of Level
    parts : tuple of AwardedPart
        Empty for a single course or capstone.
    """

    title: str
    learner: str
    issuer: str
    awarded: date
    until: date | None
    summary: str
    criteria: str
    identity: str
    value: str | None
    cut: str | None
    evidence: tuple[str, ...]
    levels: tuple[Level, ...]
    parts: tuple[AwardedPart, ...]


def read(document: Mapping[str, Any]) -> Content:
    """Read an Open Badges or learner record document of ours.

    Raises
    ------
    PermanentFailure
        It is not built as ours are.
    """
    try:
        return _read(document)
    except (KeyError, IndexError, TypeError, ValueError, StopIteration) as error:
        raise PermanentFailure("The stored document is not built as ours are.") from error


def _read(document: Mapping[str, Any]) -> Content:
    about = document["credentialSubject"]
    achievement = about["achievement"]
    # A program's document names its own achievement first, then those of its members.
    awarded = achievement[0] if isinstance(achievement, list) else achievement
    described = {
        description["id"]: description for description in awarded.get("resultDescription", ())
    }
    results = [
        (described[result["resultDescription"]], result) for result in about.get("result", ())
    ]
    grade = next((pair for pair in results if pair[0]["resultType"] == "Percent"), None)
    until = document.get("validUntil")
    return Content(
        title=document["name"],
        learner=next(
            identifier["identityHash"]
            for identifier in about["identifier"]
            if identifier["identityType"] == "name"
        ),
        issuer=document["issuer"]["name"],
        awarded=_day(document["awardedDate"]),
        until=_day(until) if until else None,
        summary=document["description"],
        criteria=awarded["criteria"]["narrative"],
        identity=about.get("narrative", ""),
        value=grade[1]["value"] if grade else None,
        cut=grade[0].get("requiredValue") if grade else None,
        evidence=tuple(
            line.removeprefix("- ")
            for evidence in document.get("evidence", ())
            for line in evidence["narrative"].splitlines()
        ),
        levels=_levels(results),
        parts=tuple(
            AwardedPart(member["name"], _day(member["awardedDate"]))
            for member in about.get("verifiableCredential", ())
        ),
    )


def _levels(results: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> tuple[Level, ...]:
    reached = []
    for description, result in results:
        if description["resultType"] == "RubricCriterionLevel":
            levels = description["rubricCriterionLevel"]
            number = [level["id"] for level in levels].index(result["achievedLevel"])
            name = levels[number]["name"]
            reached.append(Level(description["name"], name, number, len(levels) - 1))
    return tuple(reached)


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])
