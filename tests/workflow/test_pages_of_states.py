"""What is said in each state at each time to each role: every cell, and the page of the documents."""

import re
from pathlib import Path

import pytest

from grading.workflow.capstone_page import (
    ASKED,
    CELLS,
    COME_BACK,
    COURSES_FIRST,
    OWES_REVIEWS,
    Act,
    Cell,
    Moment,
    Situation,
    cell_of,
    result_comes,
    situation_of,
)
from grading.workflow.group import MemberState
from grading.workflow.reader_page import (
    BENCH_CELLS,
    REVIEWER_CELLS,
    Bench,
    ReadingTime,
    Reviewing,
    bench_of,
    reviewing_of,
)
from grading.workflow.submission import SubmissionState

STATES = Path(__file__).resolve().parents[2] / "docs/states.md"

# Before, open, grace, closed, overdue, ended: the one thing to do.
ACTS = {
    Situation.NOTHING: "none start start none none none",
    Situation.DRAFT: "none write write none none none",
    Situation.SUBMITTED: "take_back take_back take_back none none none",
    Situation.CONTESTED: "none none none none none none",
    Situation.BEING_READ: "none none none none none none",
    Situation.READ: "none none none none none none",
    Situation.RELEASED: "read_result read_result read_result read_result read_result read_result",
    Situation.HELD: "read_why read_why read_why read_why read_why read_why",
    Situation.WITHDRAWN: "none none none none none none",
}
# Before, reading, over, ended.
REVIEWER_ACTS = {
    Reviewing.NONE_GIVEN: "none none none none",
    Reviewing.OWES: "review review none none",
    Reviewing.DONE: "none none none none",
}
BENCH_ACTS = {
    Bench.PAUSED: "none none none none",
    Bench.UNCLEARED: "calibrate calibrate calibrate none",
    Bench.BEGUN: "continue continue continue none",
    Bench.GIVEN: "grade grade grade none",
    Bench.OPEN: "grade grade grade none",
    Bench.EMPTY: "none none none none",
}


def test_every_cell_has_its_act() -> None:
    assert {
        situation: " ".join(CELLS[situation, moment].act for moment in Moment)
        for situation in Situation
    } == ACTS
    assert {
        state: " ".join(row[time].act for time in ReadingTime)
        for state, row in REVIEWER_CELLS.items()
    } == REVIEWER_ACTS
    assert {
        state: " ".join(row[time].act for time in ReadingTime) for state, row in BENCH_CELLS.items()
    } == BENCH_ACTS


def test_no_sentence_promises_what_its_cell_does_not_offer() -> None:
    for (situation, moment), cell in CELLS.items():
        said = cell.sentence
        assert ("can take it back" in said) == (cell.act is Act.TAKE_BACK), (situation, moment)
        can_submit = cell.act in (Act.START, Act.WRITE)
        assert ("still" in said and "submit until" in said) <= can_submit, (situation, moment)
        promises = "%(results)s" in said
        assert not promises or result_comes(situation, moment), (situation, moment)
        assert cell.heading


def test_what_is_known_besides_is_said_where_it_matters_alone() -> None:
    late = {"asked": True, "owes_reviews": True}
    assert cell_of(Situation.READ, Moment.OVERDUE, **late) is ASKED
    assert cell_of(Situation.READ, Moment.OVERDUE, owes_reviews=True) is OWES_REVIEWS
    assert cell_of(Situation.READ, Moment.CLOSED, **late) is CELLS[Situation.READ, Moment.CLOSED]
    assert cell_of(Situation.WITHDRAWN, Moment.OPEN, may_come_back=True) is COME_BACK
    ended = CELLS[Situation.WITHDRAWN, Moment.ENDED]
    assert cell_of(Situation.WITHDRAWN, Moment.ENDED, may_come_back=True) is ended
    assert cell_of(Situation.NOTHING, Moment.OPEN, courses_missing=True) is COURSES_FIRST
    draft = CELLS[Situation.DRAFT, Moment.OPEN]
    assert cell_of(Situation.DRAFT, Moment.OPEN, courses_missing=True) is draft


def test_who_withdrew_has_withdrawn_whatever_their_group_does() -> None:
    for state in SubmissionState:
        assert situation_of(state, MemberState.WITHDRAWN) is Situation.WITHDRAWN
        assert situation_of(state, MemberState.JOINED) in Situation
    assert situation_of(None, None) is Situation.NOTHING


@pytest.mark.parametrize(
    ("facts", "bench"),
    [
        ((True, True, 1, 1, 1), Bench.PAUSED),
        ((False, False, 1, 1, 1), Bench.UNCLEARED),
        ((False, True, 1, 1, 1), Bench.BEGUN),
        ((False, True, 0, 1, 1), Bench.GIVEN),
        ((False, True, 0, 0, 13), Bench.OPEN),
        ((False, True, 0, 0, 0), Bench.EMPTY),
    ],
)
def test_the_first_thing_that_is_so_is_said_to_a_grader(
    facts: tuple[bool, bool, int, int, int], bench: Bench
) -> None:
    paused, cleared, begun, given, open_items = facts
    assert (
        bench_of(paused=paused, cleared=cleared, begun=begun, given=given, open_items=open_items)
        is bench
    )


def test_reviews_are_owed_until_all_are_done() -> None:
    assert reviewing_of(given=0, done=0) is Reviewing.NONE_GIVEN
    assert reviewing_of(given=3, done=2) is Reviewing.OWES
    assert reviewing_of(given=3, done=3) is Reviewing.DONE


def test_the_page_of_the_documents_says_every_cell() -> None:
    def row(state: str, time: str, cell: Cell) -> tuple[str, ...]:
        sentence = re.sub(r"%\((\w+)\)s", r"{\1}", cell.sentence)
        return (state.replace("_", " "), time, cell.heading, sentence, cell.act.replace("_", " "))

    rows = {
        tuple(part.strip() for part in line.strip("|").split("|"))
        for line in STATES.read_text("utf-8").splitlines()
        if line.startswith("| ")
    } - {("what there is", "when", "heading", "sentence", "next act")}
    cells = {row(state, moment, cell) for (state, moment), cell in CELLS.items()}
    cells |= {
        row(state, time, cell)
        for table in (REVIEWER_CELLS, BENCH_CELLS)
        for state, by_time in table.items()
        for time, cell in by_time.items()
    }
    cells |= {
        row("withdrawn", "may come back", COME_BACK),
        row("in grading", "overdue, a question is open", ASKED),
        row("in grading", "overdue, reviews owed", OWES_REVIEWS),
        row("nothing", "open, courses missing", COURSES_FIRST),
    }
    assert rows == cells
