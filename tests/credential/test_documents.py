"""Credential documents: what they say, in the schemas' own terms."""

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from grading.credential import document as documents
from grading.credential import evidence as evidences
from tests.credential import examples
from tests.credential.examples import EVIDENCE, LEVELS, signed

BADGE = examples.read("ob_v3p0_achievementcredential_schema.json")
RECORD = examples.read("clr_v2p0_clrcredential_schema.json")


@pytest.mark.parametrize(
    ("build", "schema"),
    [
        (examples.capstone, BADGE),
        (examples.course, BADGE),
        (examples.program, RECORD),
    ],
)
def test_documents_are_as_the_schemas_want_them(build: Callable[[], Any], schema: Any) -> None:
    validator = validator_for(schema, default=Draft202012Validator)(schema)
    assert [error.message for error in validator.iter_errors(signed(build()))] == []
    without = signed(build())
    del without["validFrom"]
    assert list(validator.iter_errors(without))


def test_each_result_names_its_description_and_its_level() -> None:
    subject = examples.capstone()["credentialSubject"]
    described = {one["id"]: one for one in subject["achievement"]["resultDescription"]}
    assert [described[one["resultDescription"]]["resultType"] for one in subject["result"]] == [
        "Status", "Percent", "RubricCriterionLevel", "RubricCriterionLevel",
    ]  # fmt: skip
    percent = subject["result"][1]
    assert percent["value"] == "67"
    assert described[percent["resultDescription"]]["requiredValue"] == "60"
    question, method = subject["result"][2:]
    levels = described[method["resultDescription"]]["rubricCriterionLevel"]
    assert [level["points"] for level in levels] == ["0", "1", "2", "3"]
    assert question["achievedLevel"] == levels[2]["id"].replace("method", "question")
    # A mean between two levels has wholly reached the lower one; its points are exact.
    assert (method["achievedLevel"], method["value"]) == (levels[2]["id"], "2.5")


@pytest.mark.parametrize(
    ("level", "reached"), [(0.0, 0), (0.99, 0), (1.0, 1), (2.9999999999999996, 3), (3.0, 3)]
)
def test_a_mean_is_never_rounded_up_to_a_level(level: float, reached: int) -> None:
    assert documents.CriterionResult("c", "C", LEVELS, level, level).achieved == reached


def test_the_program_names_its_parts_in_order() -> None:
    subject = examples.program()["credentialSubject"]
    achievements = [one["id"].rpartition("/")[2] for one in subject["achievement"]]
    assert achievements == ["program", "course-1", "course-2", "capstone"]
    short = [
        (one["associationType"], *(one[end].rpartition("/")[2] for end in ("sourceId", "targetId")))
        for one in subject["association"]
    ]
    assert short == [
        ("isPartOf", "course-1", "program"),
        ("isPartOf", "course-2", "program"),
        ("isPartOf", "capstone", "program"),
        ("precedes", "course-1", "capstone"),
        ("precedes", "course-2", "capstone"),
    ]
    assert all(one["proof"] for one in subject["verifiableCredential"])


def test_an_address_is_hashed_as_open_badges_says() -> None:
    # 1EdTech, Open Badges 3.0, IdentityHash: the example of its definition.
    assert documents.email_hash("a@example.com", "Kosher") == (
        "sha256$b5809d8a92f8858436d7e6b87c12ebc0ae1eac4baecc2c0b913aee2c922ef399"
    )
    assert "zofie@example.org" not in str(examples.program())


@pytest.mark.parametrize(
    ("number", "text"), [(3.0, "3"), (2.5, "2.5"), (0.0, "0"), (100.0, "100"), (1e-7, "0.0000001")]
)
def test_numbers_are_decimal_text(number: float, text: str) -> None:
    assert documents.plain(number) == text


def test_the_credential_commits_to_its_evidence_without_showing_it() -> None:
    shown = evidences.statement(EVIDENCE)
    assert shown["id"] == evidences.address(evidences.digest(EVIDENCE))
    for hidden in (EVIDENCE["submission"], EVIDENCE["salt"], "66.67"):
        assert hidden not in str(shown)
    for name in EVIDENCE:
        changed = EVIDENCE | {name: "something else"}
        assert evidences.digest(changed) != evidences.digest(EVIDENCE)


def test_a_named_information_address_is_that_of_the_rfc() -> None:
    # IETF RFC 6920, section 8.1: SHA-256 of "Hello World!".
    digest = "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069"
    assert evidences.address(digest) == "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"


def test_the_probability_of_a_decision_follows_students_t() -> None:
    # Student's t table: the 0.95 quantile is 6.314 with 1 degree of freedom, 2.920 with 2 and
    # 2.353 with 3 (Abramowitz & Stegun, table 26.10).
    for readings, quantile in ((2, 6.314), (3, 2.920), (4, 2.353)):
        found = evidences.decision_probability(60 + quantile, 60, 1.0, readings)
        assert found == pytest.approx(0.95, abs=1e-4)
        other_side = evidences.decision_probability(60 - quantile, 60, 1.0, readings)
        assert other_side == pytest.approx(found)
    assert evidences.decision_probability(60, 60, 1.0, 2) == 0.5


@pytest.mark.parametrize(
    ("error", "readings"), [(None, 2), (0.0, 2), (float("nan"), 2), (1.0, 1), (1.0, 0)]
)
def test_where_the_error_is_undefined_so_is_the_probability(
    error: float | None, readings: int
) -> None:
    assert evidences.decision_probability(70, 60, error, readings) is None
