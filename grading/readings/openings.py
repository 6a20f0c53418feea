"""Opening a cohort: its plan is frozen, once its people and examples can bring every project to a result."""

from datetime import datetime

from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import Cohort, Person
from grading.readings.queries import staffing_facts


def open_cohort(session: Session, actor: Person | None, cohort: Cohort, *, now: datetime) -> None:
    """Freeze the plan and let learners in from the opening day on.

    What else the staffing check calls impossible stands in the chain, so that nobody can say it was not
    known.

    Raises
    ------
    FaultsFound
        The deadline has passed already; and each reason why the cohort could not end, with its figures.
    """
    take_turns(session, cohort)
    faults = []
    if cohort.due_at <= now:
        faults.append(Fault("calendar", "The deadline has passed. Move the calendar first."))
    staffing = staffing_facts.check(session, cohort, cohort.plan)
    faults += [Fault("people", item.template, item.params) for item in staffing.without_end]
    if faults:
        raise FaultsFound(faults)
    cohort.plan_version.frozen_at = now
    note: dict[str, object] = {"plan": cohort.plan_version.digest}
    if lacking := staffing.impossible:
        note["impossible"] = [item.code for item in lacking]
    move(session, cohort, "open", actor=actor, now=now, note=note)
