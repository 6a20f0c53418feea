"""What an import leaves without its ground: results and records that rest on what it changed."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import select

from grading.batches import scalars_in
from grading.errors import Refused
from grading.models import Completion, ConflictOfInterest, Course, CredentialRecord, Person
from grading.office.imports.common import Desk, Made
from grading.people.consequences import Consequence
from grading.records import outdated
from grading.releases import amendments
from grading.workflow.cohort import ImportKind
from grading.workflow.credential import RecordState


def consequences_of(desk: Desk[Any], kind: ImportKind, made: Iterable[Made]) -> list[Consequence]:
    """List what does not follow any more from what an import made."""
    ids = [item.id for item in made if item.word in _WORDS.get(kind, ())]
    if kind is ImportKind.CONFLICTS:
        return _of_conflicts(desk, ids)
    if kind is ImportKind.COMPLETIONS:
        return _of_completions(desk, ids)
    return [
        consequence
        for person in scalars_in(desk.session, select(Person), Person.id, ids)
        for consequence in outdated.under_another_name(
            desk.session, desk.actor, person, now=desk.now
        )
    ]


# What an import makes that results or records may rest on.
_WORDS = {
    ImportKind.CONFLICTS: ("conflict",),
    ImportKind.COMPLETIONS: ("completion", "renewed"),
    ImportKind.ROSTER: ("renamed",),
}


def _of_conflicts(desk: Desk[Any], ids: Collection[str]) -> list[Consequence]:
    found: list[Consequence] = []
    for conflict in scalars_in(
        desk.session, select(ConflictOfInterest), ConflictOfInterest.id, ids
    ):
        if desk.actor is not None:
            found += amendments.resting_on_conflict(
                desk.session, desk.actor, conflict, now=desk.now
            )
        elif amendments.readings_in_conflict(desk.session, conflict):
            # A reading is struck by somebody; the command line is nobody.
            raise Refused(
                "%(rater)s has read what %(learner)s handed in. Declare this conflict on its page, where "
                "it is decided what becomes of that.",
                rater=conflict.rater.email,
                learner=conflict.learner.email,
            )
    return found


def _of_completions(desk: Desk[Any], ids: Collection[str]) -> list[Consequence]:
    """Ask of those alone who have a record: most learners have none yet."""
    of_owners = (
        select(Completion)
        .join(Course, Course.id == Completion.course_id)
        .where(
            Completion.person_id.in_(
                select(CredentialRecord.person_id).where(
                    CredentialRecord.program_id == Course.program_id,
                    CredentialRecord.state == RecordState.VALID,
                )
            )
        )
    )
    return [
        consequence
        for completion in scalars_in(desk.session, of_owners, Completion.id, ids)
        for consequence in outdated.without_completion(
            desk.session, desk.actor, completion, now=desk.now
        )
    ]
