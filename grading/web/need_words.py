"""The words of what waits for somebody, and of what comes: for the landing page and the daily mail alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from grading.office.needs import ComingKind, Kind, Need
from grading.web.number_words import list_words
from grading.workflow.cohort import Role

# A lazy text of Babel where it is the same for every need of the kind.
Words = str | Callable[[Need], str]
Address = Callable[[Need], str]


@dataclass(frozen=True)
class NeedWords:
    """What is to be done, why, and the page where it is done."""

    _what: Words
    _why: Words
    address: Address

    def what(self, need: Need) -> str:
        return _said(self._what, need)

    def why(self, need: Need) -> str:
        return _said(self._why, need)


def _said(words: Words, need: Need) -> str:
    return words(need) if callable(words) else str(words)


def _cohort_id(need: Need) -> str:
    assert need.cohort is not None
    return need.cohort.id


def _of_cohort(endpoint: str, *, anchor: str | None = None) -> Address:
    return lambda need: url_for(endpoint, cohort_id=_cohort_id(need), _anchor=anchor)


def _of_attempt(endpoint: str) -> Address:
    return lambda need: url_for(endpoint, cohort_id=_cohort_id(need), attempt=need.target)


def _named(name: str, need: Need) -> dict[str, Any]:
    return {name: need.target}


def _of_target(endpoint: str, name: str) -> Address:
    return lambda need: url_for(endpoint, **_named(name, need))


def _of_service(endpoint: str, **values: Any) -> Address:
    return lambda _need: url_for(endpoint, **values)


def _why_submit(need: Need) -> str:
    if need.count == 1:
        return _("Readers are chosen at the deadline.")
    return _("This is your attempt %(n)s; the best result counts.", n=need.count)


def _why_review(need: Need) -> str:
    days = need.cohort.plan.reviews_wait_days if need.cohort else 0
    if need.role == Role.PEER or not days:
        return _("Other learners wait for what you say.")
    return _("Your own result waits until you have done so, by %(days)s days at most.", days=days)


def _why_result(need: Need) -> str:
    if need.by is None:
        return _("It is released.")
    return _("It is released. Until the date beside it you can ask about it or appeal.")


NEED_WORDS: Mapping[Kind, NeedWords] = {
    Kind.HEARING: NeedWords(
        _l("Answer a question about your project"),
        _l("Somebody raised a suspicion. Nothing is decided before you are heard."),
        _of_cohort("questions.hearing"),
    ),
    Kind.SUBMIT: NeedWords(
        _l("Submit your project"),
        _why_submit,
        _of_cohort("learner.cohort"),
    ),
    Kind.COMPLETE_COURSES: NeedWords(
        _l("Complete what comes before the capstone"),
        lambda need: _(
            "You cannot submit before these are completed: %(courses)s.",
            courses=list_words(need.titles),
        ),
        _of_cohort("learner.cohort"),
    ),
    Kind.INVITATION: NeedWords(
        _l("Say whether you join a group"),
        _l("You are asked to work together on one project; you can say no."),
        _of_cohort("group.page"),
    ),
    Kind.REVIEW: NeedWords(
        lambda need: ngettext("Review %(num)s project", "Review %(num)s projects", need.count),
        _why_review,
        _of_cohort("learner.cohort", anchor="reviews"),
    ),
    Kind.RESULT: NeedWords(
        _l("Read your result"),
        _why_result,
        _of_attempt("learner.result"),
    ),
    Kind.APPEAL_WINDOW: NeedWords(
        _l("Ask about your result, or appeal it"),
        _l("You can, until the date beside it; you need not."),
        _of_cohort("questions.ask"),
    ),
    Kind.OBJECTION_WINDOW: NeedWords(
        _l("Object to what was handed in for your group"),
        _l("You can, until the date beside it, if you do not stand by it; nobody reads it before."),
        _of_cohort("group.object_to"),
    ),
    Kind.ITEM_BEGUN: NeedWords(
        lambda need: _("Finish %(code)s", code=need.code),
        _l("It is yours until then; your draft is kept."),
        _of_target("rater.item_sheet", "allocation_id"),
    ),
    Kind.HOLD_ENDED: NeedWords(
        lambda need: _("Take %(code)s back", code=need.code),
        _l("Your hold ended. Your draft is kept, and until then nobody else is given it."),
        _of_target("rater.item_sheet", "allocation_id"),
    ),
    Kind.THIRD_READING: NeedWords(
        lambda need: _("Read %(code)s", code=need.code),
        _l("You took this third reading or appeal; it is read blind."),
        _of_target("rater.item_sheet", "allocation_id"),
    ),
    Kind.APPEAL_DECIDE: NeedWords(
        _l("Decide an appeal"),
        _l("The reading is done; the learner waits for a decision with a reason."),
        _of_target("answers.appeal", "appeal_id"),
    ),
    Kind.QUESTION: NeedWords(
        _l("Answer a learner’s question"),
        _l("You read the project. The score cannot change by it."),
        _of_target("answers.question", "question_id"),
    ),
    Kind.CALIBRATE: NeedWords(
        _l("Calibrate, so that you can grade"),
        _l("You are not cleared on every criterion, so no project is given to you."),
        _of_cohort("training.grader_overview"),
    ),
    Kind.ITEMS_GIVEN: NeedWords(
        lambda need: ngettext("Grade %(num)s item", "Grade %(num)s items", need.count),
        _l("They were given to you."),
        _of_service("rater.home"),
    ),
    Kind.ITEMS_OPEN: NeedWords(
        lambda need: ngettext(
            "%(num)s open item needs a grader", "%(num)s open items need a grader", need.count
        ),
        _l("Nobody has them, and you may read them."),
        _of_service("rater.home"),
    ),
    Kind.OBJECTIONS_OPEN: NeedWords(
        lambda need: ngettext(
            "Decide %(num)s objection in a group", "Decide %(num)s objections in groups", need.count
        ),
        _l(
            "A member does not stand by what was handed in. Nobody reads the project before this is decided."
        ),
        _of_cohort("groups.page"),
    ),
    Kind.IDENTITY_CHECKS: NeedWords(
        lambda need: ngettext(
            "Check the identity of %(num)s learner",
            "Check the identity of %(num)s learners",
            need.count,
        ),
        _l("Their credential will say that only they attest who they are."),
        _of_cohort("identity.queue"),
    ),
    Kind.MISCONDUCT_HEAR: NeedWords(
        _l("Look at a suspicion"),
        _l("Somebody reported it. Put it to the learner, or propose to dismiss it."),
        _of_cohort("misconduct.cases"),
    ),
    Kind.MISCONDUCT_DECIDE: NeedWords(
        _l("Decide on a suspicion"),
        _l("The learner was heard, or let the day pass. Two decide; you can be the first."),
        _of_cohort("misconduct.cases"),
    ),
    Kind.MISCONDUCT_SECOND: NeedWords(
        _l("Agree or disagree with a decision on a suspicion"),
        _l("A first person has decided. It takes effect only if a second agrees."),
        _of_cohort("misconduct.cases"),
    ),
    Kind.PAUSE_ANSWER: NeedWords(
        lambda need: ngettext(
            "Answer %(num)s paused grader", "Answer %(num)s paused graders", need.count
        ),
        _l("A queue is paused, and an answer is owed."),
        _of_cohort("monitoring.overview"),
    ),
    Kind.ALARM: NeedWords(
        lambda need: ngettext("Answer %(num)s alarm", "Answer %(num)s alarms", need.count),
        _l("A standard seems to move. You say whether it did."),
        _of_cohort("monitoring.overview"),
    ),
    Kind.CLEARANCE: NeedWords(
        lambda need: ngettext(
            "See how %(num)s grader is to be cleared",
            "See how %(num)s graders are to be cleared",
            need.count,
        ),
        _l(
            "They are not cleared to the end of grading, and have no fresh example or no try left for it."
        ),
        _of_cohort("calibration.standings"),
    ),
    Kind.EXAMPLE_AGREE: NeedWords(
        lambda need: ngettext("Agree on %(num)s example", "Agree on %(num)s examples", need.count),
        _l("You and another lead have marked them blind."),
        _of_cohort("calibration.examples", anchor="list"),
    ),
    Kind.EXAMPLE_MARK: NeedWords(
        lambda need: ngettext("Mark %(num)s example", "Mark %(num)s examples", need.count),
        _l("Two leads mark each blind before it is used."),
        _of_cohort("calibration.examples", anchor="list"),
    ),
    Kind.CASES_OPEN: NeedWords(
        lambda need: ngettext(
            "%(num)s third reading to take", "%(num)s third readings to take", need.count
        ),
        _l("Scores lie too far apart, and nobody has taken the third reading."),
        _of_cohort("instructor.disputed"),
    ),
    Kind.APPEALS_OPEN: NeedWords(
        lambda need: ngettext(
            "%(num)s appeal without a reader", "%(num)s appeals without a reader", need.count
        ),
        _l("Learners appealed, and nobody fresh has taken the reading."),
        _of_cohort("instructor.disputed"),
    ),
    Kind.QUESTIONS_OPEN: NeedWords(
        lambda need: ngettext(
            "%(num)s learner’s question left open",
            "%(num)s learners’ questions left open",
            need.count,
        ),
        _l("Nobody owns them, or their day has passed."),
        _of_cohort("instructor.disputed"),
    ),
    Kind.STRANDED: NeedWords(
        lambda need: ngettext(
            "Find a reader for %(num)s item", "Find readers for %(num)s items", need.count
        ),
        _l("Nobody enrolled may read them any more. Enrol another grader."),
        _of_cohort("instructor.cohort", anchor="stuck"),
    ),
    Kind.SIGN_OFF: NeedWords(
        _l("Sign a release, or stop it"),
        _l("Another person proposed it. Nothing goes out before you sign."),
        _of_cohort("instructor.release"),
    ),
    Kind.READY: NeedWords(
        lambda need: ngettext("Release %(num)s result", "Release %(num)s results", need.count),
        _l("They have a score, and nobody has proposed their release."),
        _of_cohort("instructor.release"),
    ),
    Kind.OPEN_COHORT: NeedWords(
        _l("Open the cohort"),
        _l("It is still being prepared. Learners cannot begin before it is open."),
        _of_cohort("admin.cohort"),
    ),
    Kind.END_COHORT: NeedWords(
        _l("End the cohort"),
        _l("Every result is released, and the time to appeal is over."),
        _of_cohort("admin.cohort"),
    ),
    Kind.ERASURE: NeedWords(
        lambda need: ngettext(
            "Answer %(num)s request to be erased",
            "Answer %(num)s requests to be erased",
            need.count,
        ),
        _l("Whoever asks has a right to an answer within a month."),
        _of_service("admin.erasures"),
    ),
    Kind.JOBS_FAILED: NeedWords(
        lambda need: ngettext(
            "Look into %(num)s job that failed", "Look into %(num)s jobs that failed", need.count
        ),
        _l("It is not tried again by itself: a mail, a release or a credential may wait for it."),
        _of_service("admin.jobs", state="failed"),
    ),
}

COMING_WORDS: Mapping[ComingKind, str] = {
    ComingKind.OPENS: _l("Your capstone opens"),
    ComingKind.PEERS_GIVEN: _l("Projects to review are given out"),
    ComingKind.ITEMS_GIVEN: _l("Items to grade are given out"),
    ComingKind.GRADING_ENDS: _l("Grading ends"),
    ComingKind.RESULTS: _l("Results are due"),
}
