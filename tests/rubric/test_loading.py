"""Rubrics: read exactly, and every fault named with its line."""

from pathlib import Path

import pytest

from grading import assets
from grading.errors import RubricFault
from grading.rubric.definition import Rubric
from grading.rubric.loading import load, loads, publishing_faults

GOOD = '''
name = "small"
title = "Small"
version = 1
description = """
weight = "this is text, not a key"
"""

[[criteria]]
code = "a"
title = "A"
weight = 60
courses = ["one"]

[[criteria.levels]]
name = "Low"
points = 0
descriptor = "Little."

[[criteria.levels]]
name = "High"
points = 2
descriptor = "Much."

[[criteria]]
code = "b"
title = "B"
weight = 40
courses = ["two", "three"]
levels = [
  {name = "Low", points = 0, descriptor = "Little."},
  {name = "High", points = 1, descriptor = "Much."},
]
'''


def faults(text: str) -> list[str]:
    with pytest.raises(RubricFault) as caught:
        loads(text, path="r.toml")
    return [fault.where for fault in caught.value.faults]


@pytest.mark.parametrize(
    "path", sorted(assets.folder("rubrics").glob("*.toml")), ids=lambda p: p.stem
)
def test_the_shipped_rubrics_load_and_come_back_from_the_database_form(path: Path) -> None:
    rubric = load(path)
    assert Rubric.from_dict(rubric.to_dict()) == rubric
    assert Rubric.from_dict(rubric.to_dict()).digest == rubric.digest
    assert rubric.name == path.stem


def test_a_rubric_with_ten_faults_names_ten() -> None:
    text = (
        GOOD.replace('name = "small"', 'name = "Small One"')
        .replace("version = 1", "version = true")
        .replace('code = "a"', 'code = "1a"')
        .replace("weight = 60", 'weight = "much"')
        .replace('courses = ["one"]', "courses = []")
        .replace("points = 2\n", "points = 0\n")
        .replace('title = "B"', 'title = " "')
        .replace('courses = ["two", "three"]', 'courses = ["two", "two"]\ncolour = "red"')
        .replace('{name = "High", points = 1', '{name = "Low", points = 1')
    )
    lines = {where.split(" ")[1]: int(where.split(":")[1].split(" ")[0]) for where in faults(text)}
    assert lines == {
        "name": 2,
        "version": 4,
        "criteria[0].code": 10,
        "criteria[0].weight": 12,
        "criteria[0].courses": 13,
        "criteria[0].levels[1].points": 22,
        "criteria[1].title": 27,
        "criteria[1].courses": 29,
        "criteria[1].colour": 30,
        "criteria[1].levels[1].name": 31,
    }


@pytest.mark.parametrize(
    ("change", "to", "where"),
    [
        ("weight = 60", "weight = 50", "r.toml:9 criteria"),
        ("weight = 60", "weight = -1", "r.toml:12 criteria[0].weight"),
        ("weight = 60", "weight = nan", "r.toml:12 criteria[0].weight"),
        ('code = "b"', 'code = "a"', "r.toml:26 criteria[1].code"),
        ("points = 0\n", "points = -1\n", "r.toml:17 criteria[0].levels[0].points"),
        ('title = "Small"\n', "", "r.toml:1 title"),
        ('descriptor = "Much."\n', "", "r.toml:20 criteria[0].levels[1].descriptor"),
        ('title = "Small"', "title = Small", "r.toml:3"),
    ],
)
def test_each_fault_is_named(change: str, to: str, where: str) -> None:
    assert faults(GOOD.replace(change, to, 1)) == [where]


def test_one_level_is_too_few_and_thirteen_too_many() -> None:
    one = GOOD.replace('  {name = "High", points = 1, descriptor = "Much."},\n', "")
    assert faults(one) == ["r.toml:30 criteria[1].levels"]
    more = "".join(f'  {{name = "L{n}", points = {n}, descriptor = "x"}},\n' for n in range(2, 13))
    many = GOOD.replace('descriptor = "Much."},\n', 'descriptor = "Much."},\n' + more)
    assert faults(many) == ["r.toml:30 criteria[1].levels"]


def test_a_rubric_without_criteria_or_not_in_utf8(tmp_path: Path) -> None:
    assert faults('name = "x"\ntitle = "X"\nversion = 1\n') == ["r.toml:1 criteria"]
    path = tmp_path / "latin.toml"
    path.write_bytes(b'name = "\xe9"')
    with pytest.raises(RubricFault, match="UTF-8"):
        load(path)


def test_the_digest_follows_words_and_numbers_not_their_writing() -> None:
    rubric = loads(GOOD)
    assert loads(GOOD.replace("weight = 60", "weight = 60.0")).digest == rubric.digest
    assert loads(GOOD.replace("Much.", "More.")).digest != rubric.digest
    assert loads(GOOD.replace("points = 2", "points = 3")).digest != rubric.digest


def test_publishing_needs_every_course_and_no_stranger() -> None:
    rubric = loads(GOOD)
    assert publishing_faults(rubric, ["one", "two", "three"]) == ()
    named = [str(fault) for fault in publishing_faults(rubric, ["one", "two", "four"])]
    assert len(named) == 2
    assert "four" in named[0]
    assert "three" in named[1]


def test_a_rubric_with_a_byte_order_mark_is_read() -> None:
    other = Path(__file__).parents[1] / "data" / "other"
    assert load(other / "bom_rubric.toml").name == "data-capstone"


def test_a_rubric_keeps_no_control_that_an_escape_brought() -> None:
    assert loads(GOOD.replace("Much.", "Mu\\u0000ch.")).digest == loads(GOOD).digest
    assert len(faults(GOOD.replace("Much.", "\\u0007"))) == GOOD.count("Much.")


def test_toml_that_is_nested_too_deeply_or_has_endless_numbers_is_refused() -> None:
    for text in ("x = " + "[" * 100_000, "x = " + "9" * 5000):
        with pytest.raises(RubricFault):
            loads(text)
