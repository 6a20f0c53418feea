"""Every member of an enum, and every word of a plan's choice, that pages name has its label."""

from dataclasses import fields
from enum import StrEnum

from grading.web import labels
from grading.workflow.plan import PRESETS, GradingPlan


def test_every_member_of_an_enum_stands_in_its_table() -> None:
    missing = {}
    for name, table in vars(labels).items():
        if not name.endswith(("_LABELS", "_TAGS")):
            continue
        enums = {type(member) for member in table}
        assert len(enums) == 1, name
        enum = enums.pop()
        assert issubclass(enum, StrEnum), name
        absent = set(enum) - set(table)
        if absent:
            missing[name] = absent
    assert missing == {}


def test_every_word_of_a_plan_s_choice_has_its_label() -> None:
    words = {
        choice.name: set(choice.metadata["words"])
        for choice in fields(GradingPlan)
        if choice.metadata["words"]
    }
    assert {name: set(table) for name, table in labels.PLAN_WORDS.items()} == words
    assert set(labels.PLAN_WORDS["preset"]) == set(PRESETS)
