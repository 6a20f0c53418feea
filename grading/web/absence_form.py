"""What a form about an absence says; the coordinator's and the grader's own page share it."""

from datetime import date, datetime

from flask import request
from sqlalchemy.orm import Session

from grading.cohorts.queries import participants
from grading.errors import Fault, FaultsFound
from grading.models import Cohort, Person
from grading.workflow.deadlines import whole_days


def days_away(cohort: Cohort) -> tuple[datetime, datetime]:
    """Read the first and last day of an absence, as instants in the cohort's zone.

    Raises
    ------
    FaultsFound
        One of them is no day.
    """
    given: dict[str, date] = {}
    faults = []
    for name in ("starts_on", "ends_on"):
        try:
            given[name] = date.fromisoformat(request.form.get(name, ""))
        except ValueError:
            faults.append(Fault(name, "Give a day."))
    if faults:
        raise FaultsFound(faults)
    return whole_days(given["starts_on"], given["ends_on"], cohort.zone)


def grader(session: Session, cohort: Cohort, name: str) -> Person | None:
    """Find the grader that a field of the form names; none when it is empty.

    Raises
    ------
    FaultsFound
        It names nobody who grades in the cohort.
    """
    wanted = request.form.get(name, "")
    if not wanted:
        return None
    for person in participants.graders(session, cohort):
        if person.id == wanted:
            return person
    raise FaultsFound([Fault(name, "Choose a grader of the cohort.")])
