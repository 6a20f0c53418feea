"""The credentials themselves, as plain JSON-LD documents before they are signed.

One Open Badges 3.0 credential for each completed course and for the capstone, and one Comprehensive
Learner Record 2.0 for the program, which holds the signed others.

References
----------
1EdTech, Open Badges 3.0 and Comprehensive Learner Record 2.0; W3C, Verifiable Credentials Data
Model 2.0.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from grading.credential import status

VC = "https://www.w3.org/ns/credentials/v2"
OB = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
# Defines the schema's type; without it that term would be signed by nothing.
EXTENSIONS = "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json"
CLR = "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json"
# The order matters: a later context may not redefine what an earlier one protects.
BADGE_CONTEXTS = [VC, OB, EXTENSIONS]
RECORD_CONTEXTS = [VC, CLR, OB, EXTENSIONS]
SCHEMAS = "https://purl.imsglobal.org/spec"
BADGE_SCHEMA = f"{SCHEMAS}/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json"
RECORD_SCHEMA = f"{SCHEMAS}/clr/v2p0/schema/json/clr_v2p0_clrcredential_schema.json"


# How a sentence begins that says whether the learner's name was verified; it stands last in its text.
NAME = "The name "
NAME_UNCHECKED = f"{NAME}is the learner's own word; nobody has verified it."


@dataclass(frozen=True)
class Issuer:
    """Who stands behind a credential: a DID, a name, a web address."""

    did: str
    name: str
    url: str


@dataclass(frozen=True)
class Subject:
    """Whom a credential is about.

    Attributes
    ----------
    id : str
        One ``urn:uuid:`` for all credentials of a learner's program record, unknown elsewhere.
    name : str
        The name as it stands on the record.
    name_words : str
        One sentence that begins with `NAME`: how the name was verified, or that nobody has.
    email_hash, salt : str
        The e-mail address only as `email_hash` gives it; the salt is another one in every credential.
    """

    id: str
    name: str
    name_words: str
    email_hash: str
    salt: str


@dataclass(frozen=True)
class Assurance:
    """How it was known who the learner is: the word, and what it says to a reader."""

    how: str
    words: str


@dataclass(frozen=True)
class LevelText:
    """One level of a criterion: name, points and descriptor; levels stand from lowest to highest."""

    name: str
    points: float
    descriptor: str


@dataclass(frozen=True)
class CriterionResult:
    """What was reached on a criterion; ``level`` and ``points`` are means over readings, unrounded."""

    code: str
    title: str
    levels: tuple[LevelText, ...]
    level: float
    points: float

    @property
    def achieved(self) -> int:
        """The highest level wholly reached: a mean is never rounded up, which would inflate."""
        return min(int(self.level + 1e-9), len(self.levels) - 1)


@dataclass(frozen=True)
class Badge:
    """What one Open Badges credential says.

    Attributes
    ----------
    achievement : str
        URL of the achievement.
    kind : str
        ``Course`` or ``Certification``, of the standard's vocabulary.
    description, summary : str
        Of the achievement, alike for everybody; and of what this learner reached.
    value : str or None
        The grade of 100 as decimal text; None for a course, which is completed or not.
    cut : str or None
        The pass mark on the same scale.
    bands : tuple
        The levels of the scale, lowest first, each with the grade from which it reaches; ``band`` is
        the reached one.
    evidence : tuple of dict
        As `grading.credential.evidence.statement` gives it.
    """

    achievement: str
    kind: str
    title: str
    description: str
    criteria: str
    awarded: date
    hours: float | None = None
    assurance: tuple[Assurance, ...] = ()
    value: str | None = None
    cut: str | None = None
    bands: tuple[tuple[str, str], ...] = ()
    band: str = ""
    summary: str | None = None
    results: tuple[CriterionResult, ...] = ()
    evidence: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Envelope:
    """What every credential carries besides its content: its address, its instants, its status bit.

    ``until`` is the last day (UTC) on which it holds; None for good.
    """

    id: str
    valid_from: datetime
    list_url: str
    index: int
    until: date | None = None


def instant(at: datetime) -> str:
    """Give an instant in whole seconds of UTC."""
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def plain(number: float) -> str:
    """Give a number as decimal text without an exponent; whole ones without a fraction."""
    text = format(Decimal(str(number)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def email_hash(email: str, salt: str) -> str:
    """Hash an address as Open Badges does: a verifier who was given it can check, nobody can read it."""
    return "sha256$" + hashlib.sha256((email + salt).encode()).hexdigest()


def badge(issuer: Issuer, subject: Subject, content: Badge, envelope: Envelope) -> dict[str, Any]:
    """Build the Open Badges credential of a course or a capstone, not yet signed."""
    descriptions, results = _results(content)
    about: dict[str, Any] = {
        "id": subject.id,
        "type": ["AchievementSubject"],
        "identifier": _identifiers(subject),
        "achievement": _achievement(issuer, content, descriptions),
        "result": results,
    }
    if content.hours is not None:
        about["creditsEarned"] = content.hours
    words = [assurance.words for assurance in content.assurance]
    about["narrative"] = " ".join([*words, subject.name_words])
    document = _credential(issuer, envelope, content.title, BADGE_CONTEXTS, "OpenBadgeCredential")
    document |= {
        "description": content.summary or content.description,
        "awardedDate": f"{content.awarded.isoformat()}T00:00:00Z",
        "credentialSubject": about,
        "credentialSchema": [{"id": BADGE_SCHEMA, "type": "1EdTechJsonSchemaValidator2019"}],
    }
    if content.evidence:
        document["evidence"] = list(content.evidence)
    return document


def record(
    issuer: Issuer,
    subject: Subject,
    program: Badge,
    courses: Sequence[Mapping[str, Any]],
    capstone: Mapping[str, Any],
    envelope: Envelope,
) -> dict[str, Any]:
    """Build the learner record of a completed program around its signed members.

    Every course and the capstone are part of the program, and each course precedes the capstone.
    """
    members = [*courses, capstone]
    achievements = [member["credentialSubject"]["achievement"] for member in members]
    completed = _achievement(issuer, program, [])
    associations = [_association("isPartOf", part["id"], completed["id"]) for part in achievements]
    associations += [
        _association("precedes", course["id"], achievements[-1]["id"])
        for course in achievements[:-1]
    ]
    document = _credential(issuer, envelope, program.title, RECORD_CONTEXTS, "ClrCredential")
    document |= {
        # The vocabulary of a learner record has no narrative beside the members.
        "description": f"{program.description} {subject.name_words}",
        "awardedDate": f"{program.awarded.isoformat()}T00:00:00Z",
        "credentialSubject": {
            "id": subject.id,
            "type": ["ClrSubject"],
            "identifier": _identifiers(subject),
            "achievement": [completed, *achievements],
            "verifiableCredential": members,
            "association": associations,
        },
        "credentialSchema": [{"id": RECORD_SCHEMA, "type": "1EdTechJsonSchemaValidator2019"}],
    }
    return document


def claims(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give the payload of a credential's token: the credential itself, and what a JWT names by its own."""
    return {
        **{name: value for name, value in document.items() if name != "proof"},
        "iss": document["issuer"]["id"],
        "sub": document["credentialSubject"]["id"],
        "jti": document["id"],
        "nbf": int(datetime.fromisoformat(document["validFrom"]).timestamp()),
    }


def _credential(
    issuer: Issuer, envelope: Envelope, name: str, contexts: list[str], kind: str
) -> dict[str, Any]:
    end = {"validUntil": f"{envelope.until.isoformat()}T23:59:59Z"} if envelope.until else {}
    return {
        "@context": list(contexts),
        "id": envelope.id,
        "type": ["VerifiableCredential", kind],
        "name": name,
        "issuer": {
            "id": issuer.did,
            "type": ["Profile"],
            "name": issuer.name,
            "url": issuer.url,
        },
        "validFrom": instant(envelope.valid_from),
        **end,
        "credentialStatus": status.entry(envelope.list_url, envelope.index),
    }


def _identifiers(subject: Subject) -> list[dict[str, Any]]:
    return [
        {
            "type": "IdentityObject",
            "hashed": False,
            "identityHash": subject.name,
            "identityType": "name",
        },
        {
            "type": "IdentityObject",
            "hashed": True,
            "identityHash": subject.email_hash,
            "identityType": "emailAddress",
            "salt": subject.salt,
        },
    ]


def _achievement(
    issuer: Issuer, content: Badge, descriptions: list[dict[str, Any]]
) -> dict[str, Any]:
    achievement: dict[str, Any] = {
        "id": content.achievement,
        "type": ["Achievement"],
        "achievementType": content.kind,
        "creator": {"id": issuer.did, "type": ["Profile"], "name": issuer.name},
        "name": content.title,
        "description": content.description,
        "criteria": {"narrative": content.criteria},
    }
    if content.hours is not None:
        achievement["creditsAvailable"] = content.hours
    if descriptions:
        achievement["resultDescription"] = descriptions
    return achievement


def _results(content: Badge) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give the possible results and the reached ones, in one order."""
    base = f"{content.achievement}#"
    descriptions: list[dict[str, Any]] = [
        {
            "id": f"{base}status",
            "type": ["ResultDescription"],
            "name": "Status",
            "resultType": "Status",
        }
    ]
    results: list[dict[str, Any]] = [
        {"type": ["Result"], "resultDescription": f"{base}status", "status": "Completed"}
    ]
    if content.value is not None:
        descriptions.append(
            {
                "id": f"{base}percent",
                "type": ["ResultDescription"],
                "name": "Grade of 100",
                "resultType": "Percent",
                "valueMin": "0",
                "valueMax": "100",
                "requiredValue": content.cut,
            }
        )
        results.append(
            {
                "type": ["Result"],
                "resultDescription": f"{base}percent",
                "value": content.value,
            }
        )
    if content.bands:
        place = band_address(content.achievement)
        names = [name for _low, name in content.bands]
        descriptions.append(
            {
                "id": place,
                "type": ["ResultDescription"],
                "name": "Level of the grade",
                "resultType": "PerformanceLevel",
                "allowedValue": names,
                "rubricCriterionLevel": [
                    {
                        "id": f"{place}-{index}",
                        "type": ["RubricCriterionLevel"],
                        "name": name,
                        "level": str(index),
                        # The lowest grade of the level.
                        "points": low,
                    }
                    for index, (low, name) in enumerate(content.bands)
                ],
            }
        )
        results.append(
            {
                "type": ["Result"],
                "resultDescription": place,
                "achievedLevel": f"{place}-{names.index(content.band)}",
                "value": content.band,
            }
        )
    for criterion in content.results:
        place = f"{base}{criterion.code}"
        descriptions.append(
            {
                "id": place,
                "type": ["ResultDescription"],
                "name": criterion.title,
                "resultType": "RubricCriterionLevel",
                "rubricCriterionLevel": [
                    {
                        "id": f"{place}-{index}",
                        "type": ["RubricCriterionLevel"],
                        "name": level.name,
                        "description": level.descriptor,
                        "level": str(index),
                        "points": plain(level.points),
                    }
                    for index, level in enumerate(criterion.levels)
                ],
                # Criteria make up for each other; only the grade itself has a pass mark.
                "requiredLevel": f"{place}-0",
            }
        )
        results.append(
            {
                "type": ["Result"],
                "resultDescription": place,
                "achievedLevel": f"{place}-{criterion.achieved}",
                "value": plain(criterion.points),
            }
        )
    return descriptions, results


def band_address(achievement: str) -> str:
    """Give the address of an achievement's description of the levels that its grade may reach."""
    return f"{achievement}#band"


def _association(kind: str, source: str, target: str) -> dict[str, str]:
    return {"type": "Association", "associationType": kind, "sourceId": source, "targetId": target}
