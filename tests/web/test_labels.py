"""Every member of an enum that pages name has its words."""

from enum import StrEnum

from grading.web import labels


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
