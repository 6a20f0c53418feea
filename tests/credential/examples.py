"""Credentials of an example issuer, built by the real documents, and a key to sign them."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from grading.adapters.signing import LocalNotary
from grading.credential import document as documents
from grading.credential import evidence as evidences
from grading.credential import issuer
from grading.credential.document import (
    Assurance,
    Badge,
    CriterionResult,
    Envelope,
    Issuer,
    LevelText,
    Subject,
)
from grading.ports import IssuerKey

STANDARDS = Path(__file__).resolve().parents[1] / "data" / "standards"
BASE = "https://capstone.example.edu"
DID = "did:web:capstone.example.edu:issuers:example"
AT = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
CREATED = "2026-09-07T08:00:00Z"
NOTARY = LocalNotary("a secret for tests only, long enough")
KEY: IssuerKey = NOTARY.make("ed25519")
METHOD = issuer.method(DID, KEY.public)
SUBJECT = Subject(
    "urn:uuid:91537dba-56cb-11ec-bf63-0242ac130002",
    "Žofie Novák",
    documents.NAME_UNCHECKED,
    documents.email_hash("zofie@example.org", "a salt"),
    "a salt",
)
ISSUER = Issuer(DID, "Example College", BASE)
LEVELS = tuple(
    LevelText(name, float(points), f"What {name.lower()} work shows.")
    for points, name in enumerate(("Missing", "Begun", "Sound", "Thorough"))
)
EVIDENCE: dict[str, Any] = {
    "salt": "another salt",
    "submission": "1" * 64,
    "statement": 1,
    "rubric": {"name": "small-capstone", "version": 1, "digest": "2" * 64},
    "plan": {"preset": "certification", "version": 1, "digest": "3" * 64},
    "method": "mean-of-professional-readings/1",
    "raters": {"professional": 2, "peer": 0},
    "ratings": [1, 2, 3, 4],
    "composite": 66.67,
    "standard_error": 2.5,
    "decision": 0.9,
    "assurance": {"how": "attested", "check": None, "on": None},
    "audit": {"chain": "c", "through": 40, "entries": 9, "digest": "4" * 64},
}


def envelope(number: int) -> Envelope:
    return Envelope(f"{BASE}/credentials/{number}", AT, f"{BASE}/issuers/example/status/1", number)


def capstone() -> dict[str, Any]:
    """The capstone's credential, not signed."""
    content = Badge(
        achievement=f"{BASE}/achievements/capstone",
        kind="Assessment",
        title="A city's bicycles",
        description="The capstone of the program “Counting bicycles”.",
        criteria="A grade of at least 60 of 100.",
        awarded=date(2026, 9, 7),
        summary="Pass, 67 of 100.",
        hours=40.0,
        assurance=(Assurance("attested", "Identity is attested by the learner."),),
        value="67",
        cut="60",
        results=(
            CriterionResult("question", "Question", LEVELS, 2.0, 2.0),
            CriterionResult("method", "Method", LEVELS, 2.5, 2.5),
        ),
        evidence=(evidences.statement(EVIDENCE),),
    )
    return documents.badge(ISSUER, SUBJECT, content, envelope(5))


def course(number: int = 1) -> dict[str, Any]:
    content = Badge(
        achievement=f"{BASE}/achievements/course-{number}",
        kind="Course",
        title=f"Course {number}",
        description="A course of the program “Counting bicycles”.",
        criteria="The course was completed.",
        awarded=date(2026, 6, number),
    )
    return documents.badge(ISSUER, SUBJECT, content, envelope(number))


def signed(document: dict[str, Any]) -> dict[str, Any]:
    return NOTARY.sign(document, KEY, method=METHOD, created=CREATED)


def program() -> dict[str, Any]:
    """The program's record around signed members, not signed itself."""
    content = Badge(
        achievement=f"{BASE}/achievements/program",
        kind="LearningProgram",
        title="Counting bicycles",
        description="A program of Example College.",
        criteria="Every course completed and the capstone passed.",
        awarded=date(2026, 9, 7),
    )
    courses = [signed(course(number)) for number in (1, 2)]
    return documents.record(ISSUER, SUBJECT, content, courses, signed(capstone()), envelope(9))


def read(name: str) -> Any:
    return json.loads((STANDARDS / name).read_text(encoding="utf-8"))
