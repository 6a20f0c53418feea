"""What a learner is told of their capstone: one heading, one sentence and one act for each state and time.

The pages of the capstone, of the project and of the result read the same cell, so that none of them offers
what cannot be done. `docs/states.md` shows the table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from grading.phrases import phrase
from grading.workflow.group import MemberState
from grading.workflow.submission import SubmissionState


class Situation(StrEnum):
    """What there is of a learner's project."""

    NOTHING = "nothing"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    CONTESTED = "contested"
    BEING_READ = "being_read"
    READ = "read"
    RELEASED = "released"
    HELD = "held"
    WITHDRAWN = "withdrawn"


class Moment(StrEnum):
    """Where now lies among the learner's own dates."""

    BEFORE = "before"
    OPEN = "open"
    GRACE = "grace"
    CLOSED = "closed"
    OVERDUE = "overdue"
    ENDED = "ended"


class Act(StrEnum):
    """The one thing to do next."""

    NONE = "none"
    START = "start"
    WRITE = "write"
    TAKE_BACK = "take_back"
    READ_RESULT = "read_result"
    READ_WHY = "read_why"
    REVIEW = "review"
    COME_BACK = "come_back"
    CALIBRATE = "calibrate"
    GRADE = "grade"
    CONTINUE = "continue"


@dataclass(frozen=True)
class Cell:
    """What is said in one situation at one moment; ``sentence`` has places for dates of the learner's."""

    heading: str
    sentence: str
    act: Act = Act.NONE


def situation_of(state: SubmissionState | None, part: MemberState | None) -> Situation:
    """Say what there is of a project, by its state and by the learner's own part in it."""
    if part == MemberState.WITHDRAWN:
        return Situation.WITHDRAWN
    match state:
        case None:
            return Situation.NOTHING
        case SubmissionState.DRAFT:
            return Situation.DRAFT
        case SubmissionState.SUBMITTED | SubmissionState.CONTESTABLE:
            return Situation.SUBMITTED
        case SubmissionState.CONTESTED:
            return Situation.CONTESTED
        case SubmissionState.BEGUN | SubmissionState.DISCREPANT:
            return Situation.BEING_READ
        case SubmissionState.RESOLVED | SubmissionState.ANCHOR:
            return Situation.READ
        case SubmissionState.RELEASED:
            return Situation.RELEASED
        case SubmissionState.WITHHELD:
            return Situation.HELD
        case SubmissionState.WITHDRAWN:
            return Situation.WITHDRAWN


@dataclass(frozen=True)
class OwnDates:
    """A learner's own dates; ``until`` is the last moment to come back after withdrawing."""

    opens: datetime
    due: datetime
    closes: datetime
    results: datetime
    until: datetime | None = None


def moment_of(dates: OwnDates, now: datetime, *, opened: bool, ended: bool) -> Moment:
    """Say where now lies; ``opened`` and ``ended`` are those of the cohort."""
    if ended:
        return Moment.ENDED
    if not opened or now < dates.opens:
        return Moment.BEFORE
    for moment, last in (
        (Moment.OPEN, dates.due),
        (Moment.GRACE, dates.closes),
        (Moment.CLOSED, dates.results),
    ):
        if now <= last:
            return moment
    return Moment.OVERDUE


_NOT_OPEN = Cell(
    phrase("Not open yet"), phrase("Your capstone has not opened yet. It opens %(opens)s.")
)
_MISSED = Cell(
    phrase("Not submitted"),
    phrase(
        "The deadline was %(due)s. You can no longer submit. Ask the program office about extenuating "
        "circumstances."
    ),
)
_DRAFT_MISSED = Cell(
    phrase("Not submitted"),
    phrase(
        "The deadline was %(due)s, and what you wrote was not submitted. You can no longer submit it. Ask "
        "the program office about extenuating circumstances."
    ),
)
_TAKE_BACK = Cell(
    phrase("Submitted"),
    phrase(
        "Your project is submitted. You can take it back until somebody begins to read it, then change it "
        "and submit it again by %(closes)s."
    ),
    Act.TAKE_BACK,
)
_WAITS = Cell(phrase("Submitted"), phrase("Your project is submitted. Results come %(results)s."))
_LATE = Cell(
    phrase("Your result is not there yet"),
    phrase(
        "Results were due %(results)s. Yours waits until all its readings are in and checked. You need do "
        "nothing; we write to you when it is ready."
    ),
)
_NO_RESULT = Cell(
    phrase("No result"),
    phrase("This cohort has ended without a result for your project. Ask the program office."),
)
_CONTESTED = Cell(
    phrase("A member objects"),
    phrase(
        "A member of your group objects to what was handed in. Nobody reads it before the program has "
        "decided."
    ),
)
_READ_NOW = Cell(
    phrase("Being read"),
    phrase(
        "Somebody has begun to read your project, so it cannot be taken back. Results come %(results)s."
    ),
)
_READ = Cell(phrase("Read"), phrase("Your project has been read. Results come %(results)s."))
_RELEASED = Cell(phrase("Your result is ready"), phrase("Your result is out."), Act.READ_RESULT)
_HELD = Cell(
    phrase("Your result is held back"),
    phrase(
        "A question about your project was decided. The decision says why, and what you can do."
    ),
    Act.READ_WHY,
)
_WITHDRAWN = Cell(
    phrase("You have withdrawn"),
    phrase("You have withdrawn from this capstone. Nothing is asked of you, and no result comes."),
)
COME_BACK = Cell(
    phrase("You have withdrawn"),
    phrase("You have withdrawn from this capstone. You can come back until %(until)s."),
    Act.COME_BACK,
)
OWES_REVIEWS = Cell(
    phrase("Your result waits for your reviews"),
    phrase(
        "Results were due %(results)s. Yours waits for the reviews of other projects that you have not done."
    ),
    Act.REVIEW,
)
ASKED = Cell(
    phrase("Your result waits for a question"),
    phrase("Somebody raised a question about your project. No result comes before it is decided."),
    Act.READ_WHY,
)

COURSES_FIRST = Cell(
    phrase("You cannot start yet"),
    phrase("Complete the courses below first. The deadline is %(due)s."),
)

# By situation, in the order of `Moment`.
_ROWS: Mapping[Situation, tuple[Cell, Cell, Cell, Cell, Cell, Cell]] = {
    Situation.NOTHING: (
        _NOT_OPEN,
        Cell(phrase("To do"), phrase("Start your project, and submit it by %(due)s."), Act.START),
        Cell(
            phrase("Late"),
            phrase("The deadline was %(due)s. You can still start and submit until %(closes)s."),
            Act.START,
        ),
        _MISSED,
        _MISSED,
        Cell(
            phrase("Not submitted"),
            phrase("This cohort has ended. You have not submitted a project in it."),
        ),
    ),
    Situation.DRAFT: (
        _NOT_OPEN,
        Cell(phrase("To do"), phrase("Submit your project by %(due)s."), Act.WRITE),
        Cell(
            phrase("Late"),
            phrase("The deadline was %(due)s. You can still submit until %(closes)s."),
            Act.WRITE,
        ),
        _DRAFT_MISSED,
        _DRAFT_MISSED,
        Cell(
            phrase("Not submitted"),
            phrase("This cohort has ended. What you wrote was not submitted."),
        ),
    ),
    Situation.SUBMITTED: (_TAKE_BACK, _TAKE_BACK, _TAKE_BACK, _WAITS, _LATE, _NO_RESULT),
    Situation.CONTESTED: (_CONTESTED,) * 5 + (_NO_RESULT,),
    Situation.BEING_READ: (_READ_NOW,) * 4 + (_LATE, _NO_RESULT),
    Situation.READ: (_READ,) * 4 + (_LATE, _NO_RESULT),
    Situation.RELEASED: (_RELEASED,) * 6,
    Situation.HELD: (_HELD,) * 6,
    Situation.WITHDRAWN: (_WITHDRAWN,) * 6,
}
CELLS: Mapping[tuple[Situation, Moment], Cell] = {
    (situation, moment): cell
    for situation, row in _ROWS.items()
    for moment, cell in zip(Moment, row, strict=True)
}


def cell_of(
    situation: Situation,
    moment: Moment,
    *,
    may_come_back: bool = False,
    asked: bool = False,
    owes_reviews: bool = False,
    courses_missing: bool = False,
) -> Cell:
    """Give what is said.

    Parameters
    ----------
    may_come_back : bool
        Whether who withdrew may still return.
    asked : bool
        Whether a question about the project was put to the learner and is not decided.
    owes_reviews : bool
        Whether the learner's own undone reviews hold a result back.
    courses_missing : bool
        Whether courses have to be completed before a project is begun.
    """
    cell = CELLS[situation, moment]
    if cell.act is Act.START and courses_missing:
        return COURSES_FIRST
    if situation is Situation.WITHDRAWN and may_come_back and moment is not Moment.ENDED:
        return COME_BACK
    if cell is _LATE and (asked or owes_reviews):
        return ASKED if asked else OWES_REVIEWS
    return cell


# What is handed in and has no result yet.
_IN_GRADING = (Situation.SUBMITTED, Situation.CONTESTED, Situation.BEING_READ, Situation.READ)


def result_comes(situation: Situation, moment: Moment) -> bool:
    """Whether a result is still to come: of what is handed in, or of what still can be."""
    if moment is Moment.ENDED:
        return False
    if situation in (Situation.NOTHING, Situation.DRAFT):
        return moment in (Moment.BEFORE, Moment.OPEN, Moment.GRACE)
    return situation in _IN_GRADING
