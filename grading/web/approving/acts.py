"""The acts that are signed on a page of their own: what each says, who may, and what it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.disputes import decisions, misconduct
from grading.models import Appeal, Challenge, Cohort, CredentialRecord, Person, Release
from grading.people.approvals import Answer
from grading.readings import clearing
from grading.records import revocations
from grading.releases import points, releases
from grading.web import access
from grading.web.admin import people
from grading.web.consequences import lay_again
from grading.web.forms import Done
from grading.web.instructor import coordinator, release
from grading.web.instructor.calibration import cleared_by_hand, find_rater
from grading.web.instructor.misconduct import find_case
from grading.web.instructor.points import find_submission
from grading.web.rater import questions
from grading.workflow.approval import Action


@dataclass(frozen=True)
class Act:
    """One kind of act.

    Attributes
    ----------
    permission : Permission
        What it takes, in the cohort of the challenge.
    title, lead, button, passkey_button : str
        The words of its page; a release has no lead but the number of its results.
    back : callable
        Where whoever signs nothing goes back to.
    do : callable
        Does it, with the answer; raises as the service does.
    again : callable or None
        Puts the list as it is now before the same person; None where a changed list ends the matter.
    releases : bool
        Whether it is about a whole release.
    amends : bool
        Whether results in force are replaced by those on the list.
    revokes : bool
        Whether something is declared no longer valid.
    """

    permission: Permission
    title: Any
    lead: Any
    button: Any
    passkey_button: Any
    back: Callable[[Challenge], str]
    do: Callable[[Session, Challenge, Cohort, Answer], Done]
    again: Callable[[Session, Challenge, Cohort], Challenge] | None = None
    releases: bool = False
    amends: bool = False
    revokes: bool = False


def reasons(challenge: Challenge) -> dict[str, str]:
    """Give the reasons for releasing although a gate is not met, by gate."""
    return {one["gate"]: one["reason"] for one in challenge.note.get("overrides", ())}


def _entered(challenge: Challenge, name: str) -> str:
    return str((challenge.entered or {}).get(name, ""))


# --- releases


def _to_releases(challenge: Challenge) -> str:
    return url_for("instructor.release", cohort_id=challenge.cohort_id)


def _propose(session: Session, challenge: Challenge, cohort: Cohort, answer: Answer) -> Done:
    releases.propose(
        session,
        access.person(),
        cohort,
        overrides=reasons(challenge),
        failed_gates=release.failed_gates(session, cohort),
        answer=answer,
        now=access.now(),
    )
    return Done(
        _to_releases(challenge) + "#releases", _("The release is proposed, with your sign-off.")
    )


def _propose_again(session: Session, challenge: Challenge, cohort: Cohort) -> Challenge:
    return releases.lay_before(
        session,
        access.person(),
        cohort,
        overrides=reasons(challenge),
        failed_gates=release.failed_gates(session, cohort),
        now=access.now(),
    )


def _sign(session: Session, challenge: Challenge, _cohort: Cohort, answer: Answer) -> Done:
    proposal = session.get_one(Release, challenge.subject_id)
    releases.sign(session, access.person(), proposal, answer=answer, now=access.now())
    return Done(_to_releases(challenge) + "#releases", _("You have signed the release."))


# --- a record


def _to_work(challenge: Challenge) -> str:
    works = {line["submission"] for line in challenge.records}
    if len(works) == 1:
        return url_for("instructor.submission", submission_id=works.pop())
    return _to_releases(challenge)


def _revoke(session: Session, challenge: Challenge, cohort: Cohort, answer: Answer) -> Done:
    record = session.get_one(CredentialRecord, challenge.subject_id)
    revocations.revoke_as_signed(session, access.person(), record, cohort, answer, now=access.now())
    return Done(_to_work(challenge), _("The record is revoked. Its public page says so."))


def _revoke_again(session: Session, challenge: Challenge, cohort: Cohort) -> Challenge:
    record = session.get_one(CredentialRecord, challenge.subject_id)
    reason = str(challenge.note["reason"])
    return revocations.lay_revocation_before(
        session, access.person(), record, cohort, reason=reason, now=access.now()
    )


# --- an appeal


def _to_appeal(challenge: Challenge) -> str:
    return url_for("answers.appeal", appeal_id=challenge.subject_id)


def _decide(session: Session, challenge: Challenge, _cohort: Cohort, answer: Answer) -> Done:
    appeal = questions.find_appeal(challenge.subject_id)
    amended = decisions.decide_appeal(
        session,
        access.person(),
        appeal,
        answer=_entered(challenge, "answer"),
        signed=answer,
        now=access.now(),
    )
    return Done(_to_appeal(challenge), questions.decided_words(appeal, amended))


def _decide_again(session: Session, challenge: Challenge, _cohort: Cohort) -> Challenge:
    appeal: Appeal = questions.find_appeal(challenge.subject_id)
    return decisions.lay_decision_before(
        session,
        access.person(),
        appeal,
        answer=_entered(challenge, "answer"),
        now=access.now(),
    )


# --- points of one member


def _to_points(challenge: Challenge) -> str:
    return url_for("points.page", submission_id=challenge.records[0]["submission"])


def _set_points(session: Session, challenge: Challenge, _cohort: Cohort, answer: Answer) -> Done:
    [line] = challenge.records
    points.set_points(
        session,
        access.person(),
        find_submission(line["submission"]),
        session.get_one(Person, line["person"]),
        points=float(challenge.note["points"]),
        reason=_entered(challenge, "reason"),
        signed=answer,
        now=access.now(),
    )
    return Done(
        _to_points(challenge), _("The result is amended. The learner is told, with your reason.")
    )


def _set_points_again(session: Session, challenge: Challenge, _cohort: Cohort) -> Challenge:
    [line] = challenge.records
    return points.lay_before(
        session,
        access.person(),
        find_submission(line["submission"]),
        session.get_one(Person, line["person"]),
        points=float(challenge.note["points"]),
        reason=_entered(challenge, "reason"),
        now=access.now(),
    )


# --- more time


def _to_time(challenge: Challenge) -> str:
    return url_for(
        "coordinator.learner", cohort_id=challenge.cohort_id, person_id=challenge.note["person"]
    )


def _grant(session: Session, challenge: Challenge, cohort: Cohort, answer: Answer) -> Done:
    return coordinator.grant_time(session, cohort.id, challenge.entered or {}, answer)


def _grant_again(session: Session, challenge: Challenge, cohort: Cohort) -> Challenge:
    return lay_again(
        session,
        challenge,
        lambda: coordinator.grant_time(session, cohort.id, challenge.entered or {}),
    )


# --- a conflict of interest


def _to_conflicts(challenge: Challenge) -> str:
    return url_for("admin.conflicts", cohort_id=challenge.cohort_id)


def _keep_apart(session: Session, challenge: Challenge, cohort: Cohort, answer: Answer) -> Done:
    return people.keep_apart(session, cohort.id, challenge.entered or {}, answer)


def _keep_apart_again(session: Session, challenge: Challenge, cohort: Cohort) -> Challenge:
    return lay_again(
        session,
        challenge,
        lambda: people.keep_apart(session, cohort.id, challenge.entered or {}),
    )


# --- a case of misconduct


def _to_case(challenge: Challenge) -> str:
    return url_for("misconduct.case", suspicion_id=challenge.subject_id)


def _uphold(session: Session, challenge: Challenge, _cohort: Cohort, answer: Answer) -> Done:
    case = find_case(challenge.subject_id)
    misconduct.second_outcome(
        session, access.person(), case, agree=True, signed=answer, now=access.now()
    )
    return Done(_to_case(challenge), _("The case is decided, and it has taken effect."))


def _uphold_again(session: Session, challenge: Challenge, _cohort: Cohort) -> Challenge:
    case = find_case(challenge.subject_id)
    return misconduct.lay_revocations_before(session, access.person(), case, now=access.now())


# --- a standing


def _to_standings(challenge: Challenge) -> str:
    return url_for("calibration.standings", cohort_id=challenge.cohort_id)


def _clear_by_hand(session: Session, challenge: Challenge, cohort: Cohort, answer: Answer) -> Done:
    rater = find_rater(cohort.id, str(challenge.note["person"]))
    clearing.clear_by_hand(
        session,
        access.person(),
        cohort,
        rater,
        reason=_entered(challenge, "reason"),
        signed=answer,
        now=access.now(),
    )
    return cleared_by_hand(cohort.id, rater)


_SIGN = _l("Sign with your passkey")

ACTS: Mapping[str, Act] = {
    Action.PROPOSE: Act(
        Permission.RELEASE,
        _l("Sign a release"),
        None,
        _l("Sign the release"),
        _SIGN,
        _to_releases,
        _propose,
        _propose_again,
        releases=True,
    ),
    Action.SIGN: Act(
        Permission.RELEASE,
        _l("Sign a release"),
        None,
        _l("Sign the release"),
        _SIGN,
        _to_releases,
        _sign,
        releases=True,
    ),
    Action.REVOKE: Act(
        Permission.RELEASE,
        _l("Revoke a record"),
        _l("You revoke one record, with these results in it."),
        _l("Revoke the record"),
        _l("Revoke with your passkey"),
        _to_work,
        _revoke,
        _revoke_again,
        revokes=True,
    ),
    Action.DECIDE_APPEAL: Act(
        Permission.REVIEW_PROFESSIONAL,
        _l("Sign a decision"),
        _l("Your decision replaces what was released by what stands here, and by nothing else."),
        _l("Sign the decision"),
        _SIGN,
        _to_appeal,
        _decide,
        _decide_again,
        amends=True,
    ),
    Action.SET_POINTS: Act(
        Permission.RELEASE,
        _l("Sign a member’s points"),
        _l("The points replace what was released to one member by what stands here."),
        _l("Sign the points"),
        _SIGN,
        _to_points,
        _set_points,
        _set_points_again,
        amends=True,
    ),
    Action.GRANT_TIME: Act(
        Permission.EXTEND,
        _l("Sign more time"),
        _l("With the time that you grant, these results are worked out anew from their dates."),
        _l("Sign and grant"),
        _SIGN,
        _to_time,
        _grant,
        _grant_again,
        amends=True,
    ),
    Action.DECLARE_CONFLICT: Act(
        Permission.COHORT_MANAGE,
        _l("Sign a conflict of interest"),
        _l("These results are worked out anew, without what the one has read of the other’s."),
        _l("Sign and keep them apart"),
        _SIGN,
        _to_conflicts,
        _keep_apart,
        _keep_apart_again,
        amends=True,
    ),
    Action.UPHOLD_CASE: Act(
        Permission.MISCONDUCT,
        _l("Sign a decision"),
        _l("You are the second. Your yes revokes the records with these results in them."),
        _l("Uphold the case"),
        _l("Uphold with your passkey"),
        _to_case,
        _uphold,
        _uphold_again,
        revokes=True,
    ),
    Action.CLEAR_BY_HAND: Act(
        Permission.CALIBRATE,
        _l("Clear somebody by hand"),
        _l("You let somebody grade, on your word, for these criteria and with this reason."),
        _l("Sign the clearance"),
        _SIGN,
        _to_standings,
        _clear_by_hand,
    ),
}
