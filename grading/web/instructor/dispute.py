"""What is disputed: third readings, appeals and struck readings, and taking one to decide it."""

from flask import g, redirect, url_for
from flask.typing import ResponseReturnValue

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.disputes import appeals, decisions
from grading.disputes.queries import dispute_queue
from grading.errors import NotFound
from grading.models import Allocation, Appeal, Discrepancy, StruckReading
from grading.readings import eligibility, holds
from grading.readings.queries import staff_view
from grading.releases.queries import candidates
from grading.scores.queries import current_scores
from grading.web import access
from grading.web.access import load, requires
from grading.web.errors import words
from grading.web.instructor import shell
from grading.web.instructor.shell import bp, render

SCORES = Permission.SCORES_READ
ADJUDICATE = Permission.ADJUDICATE


@bp.get("/<cohort_id>/disputed")
@requires(SCORES)
def disputed(cohort_id: str) -> ResponseReturnValue:
    """One queue of third readings, appeals and questions, by the day they are to be decided."""
    cohort = shell.cohort(cohort_id, SCORES)
    session = db.session()
    me = access.person().id
    queue = dispute_queue.open_disputes(session, cohort, now=access.now())
    return render(
        "disputed.html",
        cohort,
        queue=queue,
        settled=dispute_queue.settled_disputes(session, cohort),
        struck=dispute_queue.struck_readings(session, cohort),
        involved=dispute_queue.involved(session, cohort, me),
        refused={
            item_id: words(error)
            for item_id, error in holds.refusals(
                session,
                access.person(),
                cohort,
                [
                    dispute.item
                    for dispute in queue
                    if dispute.item and dispute.item.state == "open"
                ],
                now=access.now(),
            ).items()
        },
        barriers=eligibility.barriers_of(
            session, access.person(), [dispute.submission_id for dispute in queue]
        ),
        barrier_words=eligibility.BARRIER_WORDS,
        stranded={item.id for item in candidates.stranded_items(session, cohort)},
        me=me,
    )


@bp.get("/struck/<reading_id>")
@requires(SCORES)
def struck(reading_id: str) -> ResponseReturnValue:
    """What else the reader of a struck reading gave, for whoever decides what is read again."""
    reading = load(Allocation, reading_id, SCORES)
    struck_reading = db.session.get(StruckReading, reading.id)
    if struck_reading is None:
        raise NotFound("There is no such page.")
    g.cohort_zone = reading.cohort.zone
    return render(
        "struck.html",
        reading.cohort,
        struck=struck_reading,
        rubric=reading.cohort.rubric_version.rubric,
        items=decisions.doubtful_siblings(db.session(), struck_reading),
    )


@bp.get("/case/<case_id>")
@requires(SCORES)
def case(case_id: str) -> ResponseReturnValue:
    """One case. While the reader could still settle it, they learn nothing of the others."""
    case = load(Discrepancy, case_id, SCORES)
    session = db.session()
    cohort = case.submission.cohort
    g.cohort_zone = cohort.zone
    hidden = staff_view.may_still_score(session, case.submission, access.person().id)
    refused = holds.refusals(session, access.person(), cohort, [case.allocation], now=access.now())
    return render(
        "case.html",
        cohort,
        case=case,
        hidden=hidden,
        refused=words(refused[case.allocation_id]) if case.allocation_id in refused else "",
        readings=[] if hidden else staff_view.shown_readings(session, case.submission),
        score=None if hidden else current_scores.current_score(session, case.submission),
        rubric=cohort.rubric_version.rubric,
        me=access.person().id,
    )


@bp.post("/case/<discrepancy_id>/take")
@requires(ADJUDICATE)
def take_case(discrepancy_id: str) -> ResponseReturnValue:
    """Take a case to read it oneself, blind."""
    with transaction() as session:
        case = load(Discrepancy, discrepancy_id, ADJUDICATE)
        allocation = holds.claim_case(session, access.person(), case.allocation, now=access.now())
        allocation_id = allocation.id
    return redirect(url_for("rater.item_sheet", allocation_id=allocation_id), 303)


@bp.post("/appeal/<appeal_id>/take")
@requires(ADJUDICATE)
def take_appeal(appeal_id: str) -> ResponseReturnValue:
    """Take an appeal to read the project again oneself, blind."""
    with transaction() as session:
        appeal = load(Appeal, appeal_id, ADJUDICATE)
        if appeal.allocation is None:
            raise NotFound("There is no such case.")
        taken = holds.claim_case(session, access.person(), appeal.allocation, now=access.now())
        taken_id = taken.id
    return redirect(url_for("rater.item_sheet", allocation_id=taken_id), 303)


@bp.post("/appeal/<appeal_id>/unblind")
@requires(ADJUDICATE)
def unblind_appeal(appeal_id: str) -> ResponseReturnValue:
    """Decide without a fresh reading, where nobody is left who could give one."""
    with transaction() as session:
        appeal = load(Appeal, appeal_id, ADJUDICATE)
        appeals.go_on_unblind(session, access.person(), appeal, now=access.now())
    return redirect(url_for("answers.appeal", appeal_id=appeal_id), 303)
