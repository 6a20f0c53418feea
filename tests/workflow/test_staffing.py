"""The staffing check: what is impossible with so many people, each row with the rule it follows from."""

from dataclasses import replace
from typing import Any

import pytest

from grading.workflow.plan import PRESETS
from grading.workflow.staffing import (
    People,
    Severity,
    Time,
    certain_readings,
    check,
    expected_check_items,
    most_readings,
)

CERTIFICATION = PRESETS["certification"]


def ids(prefix: str, n: int) -> frozenset[str]:
    return frozenset(f"{prefix}{i}" for i in range(n))


def people(learners: int = 120, graders: int = 8, instructors: int = 3, **more: Any) -> People:
    teaching = ids("i", instructors)
    readers = more.pop("ids_of_graders", ids("g", graders))
    deciders = teaching | ids("l", more.pop("leads", 0))
    return People(
        learners=learners,
        graders=readers,
        deciders=deciders,
        cleared=more.pop("cleared", readers | deciders),
        instructors=teaching,
        coordinators=more.pop("coordinators", 1),
        **more,
    )


def codes(found: Any, severity: Severity = Severity.IMPOSSIBLE) -> set[str]:
    return {item.code for item in found.findings if item.severity is severity}


PLENTY = Time(minutes_per_reading=20, hours_per_week=40, weeks=2)


def test_the_default_plan_with_enough_people_has_nothing_impossible() -> None:
    found = check(CERTIFICATION, people(), PLENTY)
    assert codes(found) == set()
    assert codes(found, Severity.RISK) == set()


# The plan asks for up to 2 graders on a project, so that a third settles and a fourth answers an appeal.
@pytest.mark.parametrize(
    ("graders", "instructors", "impossible"),
    [
        (0, 3, {"no_reading", "no_fresh_appeal"}),
        (1, 3, {"no_second_reading"}),
        (2, 2, set()),
        (2, 1, {"no_fresh_appeal", "sign_offs", "misconduct"}),
        (3, 0, {"no_fresh_appeal", "sign_offs", "misconduct"}),
        (2, 0, {"no_adjudication", "no_fresh_appeal", "sign_offs", "misconduct"}),
        (4, 3, set()),
    ],
)
def test_how_many_professionals_allow_what(
    graders: int, instructors: int, impossible: set[str]
) -> None:
    found = check(CERTIFICATION, people(graders=graders, instructors=instructors), PLENTY)
    assert codes(found) == impossible


def test_one_person_with_two_parts_is_one_person() -> None:
    both = ids("i", 2)
    found = check(CERTIFICATION, people(instructors=2, ids_of_graders=both), PLENTY)
    assert {"no_adjudication", "no_fresh_appeal"} <= codes(found)


def test_two_instructors_decide_misconduct_unless_one_reports_it() -> None:
    assert "misconduct_reported" in codes(
        check(CERTIFICATION, people(instructors=2), PLENTY), Severity.RISK
    )
    assert "misconduct_reported" not in codes(
        check(CERTIFICATION, people(instructors=3), PLENTY), Severity.RISK
    )


def test_a_lead_settles_but_does_not_sign() -> None:
    found = check(CERTIFICATION, people(graders=2, instructors=1, leads=1), PLENTY)
    assert codes(found) == {"sign_offs", "misconduct"}


@pytest.mark.parametrize(
    ("learners", "changes", "expected"),
    [
        (120, {}, 120 + 30),
        (200, {}, 200 + 40),
        (20, {}, 20 + 20),
        (200, {"second_share": 0.0}, 200),
        (10, {"professional_share": 0.25, "second_minimum": 0}, 3 + 2),
        (0, {}, 0),
    ],
)
def test_readings_that_are_certain(learners: int, changes: dict[str, Any], expected: int) -> None:
    assert certain_readings(replace(CERTIFICATION, **changes), learners) == expected


def test_most_readings_of_a_project() -> None:
    assert most_readings(CERTIFICATION) == 2
    assert most_readings(replace(CERTIFICATION, professional_readings=2)) == 3
    one = replace(
        CERTIFICATION, second_share=0.0, readings_near_cut=1, readings_before_not_passed=1
    )
    assert most_readings(one) == 1


def test_time_and_load() -> None:
    """150 readings of 20 minutes are 50 hours; 8 graders with 3 hours in each of 2 weeks have 48."""
    short = check(CERTIFICATION, people(), Time(20, 3, 2))
    assert (short.readings, short.hours_needed, short.hours_there) == (150, 50, 48)
    assert "time" in codes(short, Severity.RISK)
    assert "time" not in codes(check(CERTIFICATION, people(), Time(20, 3.2, 2)), Severity.RISK)
    for load, impossible in ((18, True), (19, False)):
        found = check(replace(CERTIFICATION, grader_load=load), people(), PLENTY)
        assert ("load" in codes(found)) is impossible


def test_check_items_count_towards_the_load() -> None:
    """8 graders of 18.75 readings each: one item in 5 among the first 10, then one in 20, is a check.

    The first 10 items hold 8 readings and 2 checks; the other 10.75 readings come with 0.57 checks.
    """
    plan = replace(
        CERTIFICATION, grader_load=19, check_every=20, check_every_early=5, check_early=10
    )
    for papers, items in ((0, 0), (1, 8), (40, 16)):
        staff = replace(people(), check_papers=papers)
        assert expected_check_items(plan, staff, 150) == items
        found = check(plan, staff, PLENTY)
        assert ("load" in codes(found)) is (150 + items > 8 * 19)
    assert expected_check_items(replace(plan, check_every=0), staff, 150) == 0


@pytest.mark.parametrize(
    ("learners", "changes", "invited", "impossible", "risk"),
    [
        (2, {}, 0, {"too_few_peers"}, set()),
        (3, {}, 0, set(), {"fewer_peers"}),
        (4, {}, 0, set(), set()),
        (9, {"peers_from": "invited"}, 1, {"too_few_peers"}, {"peer_load"}),
        (9, {"peers_from": "invited"}, 6, set(), set()),
        (9, {"peer_load": 2}, 0, set(), {"peer_load"}),
        (2, {"peer_readings": 0, "peers_needed": 0}, 0, set(), set()),
    ],
)
def test_peers(
    learners: int, changes: dict[str, Any], invited: int, impossible: set[str], risk: set[str]
) -> None:
    plan = replace(CERTIFICATION, **changes)
    found = check(plan, people(learners=learners, invited_peers=invited), PLENTY)
    assert codes(found) == impossible
    assert codes(found, Severity.RISK) == risk


def test_conflicts_count_only_where_they_leave_too_few() -> None:
    graders = ids("g", 2)
    apart = {"a": graders, "b": frozenset({"g0"}), "c": graders | ids("i", 2)}
    found = check(CERTIFICATION, people(graders=2, instructors=2, kept_apart=apart), PLENTY)
    said = {item.code: item.params["n"] for item in found.findings if "conflicts" in item.code}
    assert said == {"conflicts_no_reading": 2, "conflicts_no_adjudication": 2}


def test_retakes_need_graders_who_read_nothing_before() -> None:
    """With 2 graders on each attempt, 2 retakes take 6."""
    assert "no_fresh_retake" in codes(
        check(CERTIFICATION, people(graders=5), PLENTY), Severity.RISK
    )
    assert "no_fresh_retake" not in codes(
        check(CERTIFICATION, people(graders=6), PLENTY), Severity.RISK
    )


def test_a_cohort_of_four_is_told_what_its_numbers_do_not_carry() -> None:
    found = check(CERTIFICATION, people(learners=4), PLENTY)
    assert codes(found, Severity.NOTE) == {"anonymity", "no_agreement", "peers_do_not_count"}


@pytest.mark.parametrize(
    ("changes", "code", "no_end"),
    [
        # The certification plan asks for 2 sets of 10 and one to practise on: 8 projects are too few.
        ({"learners": 8}, "not_cleared", True),
        ({"learners": 8, "fresh_examples": 13}, "examples_first", False),
        ({"learners": 8, "fresh_examples": 12}, "not_cleared", True),
        ({"learners": 21}, "examples_first", False),
        ({"learners": 0}, "examples_first", False),
        ({"learners": 8, "can_qualify": ids("g", 1)}, "few_cleared", False),
        ({"learners": 8, "cleared": ids("g", 2)}, "few_cleared", False),
        ({"learners": 8, "cleared": ids("g", 3)}, None, False),
    ],
)
def test_who_is_cleared_or_can_be_decides_whether_projects_are_read(
    changes: dict[str, Any], code: str | None, no_end: bool
) -> None:
    found = check(CERTIFICATION, people(**({"cleared": frozenset()} | changes)), PLENTY)
    about = [
        item
        for item in found.findings
        if item.code in ("not_cleared", "examples_first", "few_cleared")
    ]
    assert [item.code for item in about] == ([] if code is None else [code])
    assert ("not_cleared" in {item.code for item in found.without_end}) == no_end
    if no_end:
        assert about[0].params["needed"] == 21
        assert about[0].params["learners"] == 8


def test_without_calibration_nobody_has_to_be_cleared() -> None:
    plan = replace(CERTIFICATION, calibration="off")
    found = check(plan, people(learners=8, cleared=frozenset()), PLENTY)
    assert {"not_cleared", "examples_first", "few_cleared"} & {
        i.code for i in found.findings
    } == set()


def test_what_only_makes_disputes_hard_does_not_keep_a_cohort_from_ending() -> None:
    found = check(CERTIFICATION, people(graders=2, instructors=1), PLENTY)
    assert {item.code for item in found.without_end} == {"sign_offs"}
    assert {"no_fresh_appeal", "misconduct"} <= codes(found)
