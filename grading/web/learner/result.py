"""The released result, on its page and as a table."""

from collections.abc import Sequence
from contextlib import suppress

from flask import Response, render_template
from flask.typing import ResponseReturnValue

from grading.authorization.permissions import Permission
from grading.cohorts import retakes
from grading.cohorts.queries import group_members
from grading.db import db, transaction
from grading.disputes import decisions, explanations
from grading.disputes.queries import dispute_queue, learner_results
from grading.errors import NotFound, PassingFailure
from grading.models import Grade, Submission
from grading.records.queries import entitlement_lists
from grading.records.queries.program_record import counting_grade, current_record
from grading.releases import grades
from grading.web import access, downloads, reading
from grading.web.access import requires
from grading.web.entering import query_number
from grading.web.learner import working
from grading.web.learner.common import bp, find_cohort, told_of
from grading.workflow.cohort import CohortState
from grading.workflow.deadlines import end_of_day


def _asked_for(attempts: Sequence[tuple[Submission, Grade]]) -> tuple[Submission, Grade]:
    """Pick the attempt that the address names, or the newest."""
    wanted = query_number("attempt")
    return next((one for one in attempts if one[0].attempt == wanted), attempts[0])


@bp.get("/<cohort_id>/result")
@requires(Permission.RESULT_READ)
def result(cohort_id: str) -> ResponseReturnValue:
    """The released result; before release this page holds no score at all."""
    cohort = find_cohort(cohort_id, Permission.RESULT_READ)
    session = db.session()
    me = access.person().id
    attempts = learner_results.released_attempts(session, cohort, me)
    if not attempts:
        return render_template(
            "learner/no_result.html", cohort=cohort, told=told_of(session, cohort)
        )
    submission, grade = _asked_for(attempts)
    newest = group_members.newest(session, cohort, me)
    taken = dispute_queue.upheld_case(session, submission)
    page = render_template(
        "learner/result.html",
        cohort=cohort,
        submission=submission,
        grade=grade,
        attempts=attempts,
        best=counting_grade([grade for _submission, grade in attempts]),
        earlier=learner_results.earlier_grades(session, grade),
        appeals=[
            (one, decisions.outcome_of(session, one))
            for one in learner_results.appeals_of(session, submission)
        ],
        taken=taken,
        questions=explanations.questions_of(session, submission),
        retakes_left=retakes.retakes_left(newest or submission),
        under_way=newest if newest is not None and newest.id != attempts[0][0].id else None,
        may_retake=cohort.state == CohortState.OPEN
        and taken is None
        and newest is not None
        and newest.id == attempts[0][0].id
        and retakes.retakes_left(newest) > 0,
        retake_due=end_of_day(access.now(), cohort.plan.retake_days, cohort.zone),
        me=me,
        entitled=entitlement_lists.is_entitled(session, cohort.program, me, None),
        likely=reading.likely_range(float(grade.value), grade.detail["standard_error"]),
        no_range=reading.no_range_words(grade.detail),
        rubric=cohort.rubric_version.rubric,
        comments=learner_results.comments_by_criterion(session, grade),
        working=working.working_of(session, grade, cohort.rubric_version.rubric),
        overall=learner_results.overall_comments(session, grade),
        record=current_record(session, cohort.program_id, me),
    )
    if not learner_results.was_seen(session, grade):
        grade_id = grade.id
        with suppress(PassingFailure), transaction() as opened:
            grades.see(opened, access.person(), opened.get_one(Grade, grade_id), now=access.now())
    return page


@bp.get("/<cohort_id>/result.csv")
@requires(Permission.RESULT_READ)
def result_csv(cohort_id: str) -> Response:
    """Every level and weight of a released result, and the figures it comes to."""
    cohort = find_cohort(cohort_id, Permission.RESULT_READ)
    session = db.session()
    attempts = learner_results.released_attempts(session, cohort, access.person().id)
    if not attempts:
        raise NotFound("There is no such page.")
    _submitted, grade = _asked_for(attempts)
    laid_out = working.working_of(session, grade, cohort.rubric_version.rubric)
    return downloads.table("result.csv", *working.as_table(laid_out, grade.value))
