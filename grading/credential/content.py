"""The content of a signed document, taken back out of it: all that any page says of what was awarded."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from grading.credential.document import NAME, NAME_UNCHECKED
from grading.errors import PermanentFailure

# The last sentence of a text, where it is about the name.
_NAME_WORDS = re.compile(rf"(?:^|(?<=\. ))({re.escape(NAME)}[^.]*\.)$")
_PROGRAM = re.compile(r"^A course of the program “(.*)”\.$|^The capstone of the program “(.*)”\.$")
_GROUP = re.compile(r" Done in a group of (\d+);")


@dataclass(frozen=True)
class Level:
    """What a document says was reached on a criterion; ``number`` of ``most``, from 0."""

    title: str
    name: str
    number: int
    most: int


@dataclass(frozen=True)
class Band:
    """One level of a grade's scale: from ``low`` to below ``high`` of 100."""

    name: str
    low: float
    high: float | None
    reached: bool


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
    learner, issuer, program : str
        Names as they were signed.
    name_words : str
        Whether the learner's name was verified, in a sentence; empty where the document does not say.
    summary, criteria : str
        What was reached, and what was asked for.
    identity : str
        How it was known who the learner is; empty where the document does not say.
    value, cut, band : str or None
        Grade, pass mark of 100 and level of the grade; None where there is no grade.
    bands : tuple of Band
        The levels of the grade's scale, lowest first; empty where the document does not say.
    provisional : bool
        Whether no panel has set the pass mark yet.
    group : int or None
        How many did the work together.
    made : datetime
        Since when it holds, which is when it was made.
    evidence : tuple of str
        What a reader may be told of the evidence, a line each.
    levels : tuple of Level
    parts : tuple of AwardedPart
        Empty for a single course or capstone.
    """

    title: str
    learner: str
    name_words: str
    issuer: str
    program: str
    made: datetime
    awarded: date
    until: date | None
    summary: str
    criteria: str
    identity: str
    value: str | None
    cut: str | None
    band: str | None
    bands: tuple[Band, ...]
    provisional: bool
    group: int | None
    hours: float | None
    evidence: tuple[str, ...]
    levels: tuple[Level, ...]
    parts: tuple[AwardedPart, ...]

    @property
    def name_verified(self) -> bool:
        return self.name_words not in ("", NAME_UNCHECKED)


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
    narrative, description = about.get("narrative", ""), document["description"]
    # A learner record says it in its description.
    said_in = description if "verifiableCredential" in about else narrative
    name_words = _NAME_WORDS.search(said_in)
    program = _PROGRAM.match(awarded["description"])
    group = _GROUP.search(description)
    return Content(
        title=document["name"],
        name_words=name_words[1] if name_words else "",
        program=(program[1] or program[2]) if program else document["name"],
        made=datetime.fromisoformat(document["validFrom"]),
        learner=next(
            identifier["identityHash"]
            for identifier in about["identifier"]
            if identifier["identityType"] == "name"
        ),
        issuer=document["issuer"]["name"],
        awarded=_day(document["awardedDate"]),
        until=_day(until) if until else None,
        summary=description,
        criteria=awarded["criteria"]["narrative"],
        identity=_NAME_WORDS.sub("", narrative).strip(),
        value=grade[1]["value"] if grade else None,
        cut=grade[0].get("requiredValue") if grade else None,
        # Before documents held the scale, the level stood in the summary alone.
        band=description.partition(f", {grade[1]['value']} of 100.")[0] if grade else None,
        bands=_bands(results),
        provisional="The pass mark is provisional." in awarded["criteria"]["narrative"],
        group=int(group[1]) if group else None,
        hours=about.get("creditsEarned"),
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


def _bands(results: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> tuple[Band, ...]:
    for description, result in results:
        if description["resultType"] == "PerformanceLevel":
            levels = description["rubricCriterionLevel"]
            lows = [float(level["points"]) for level in levels]
            return tuple(
                Band(level["name"], low, high, level["id"] == result["achievedLevel"])
                for level, low, high in zip(levels, lows, [*lows[1:], None], strict=True)
            )
    return ()


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
