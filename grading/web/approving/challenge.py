"""The page on which somebody signs what is put before them, and their answer."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.authorization.policy import permits
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, ListChanged, NotFound, Refused
from grading.models import Challenge, Cohort, MisconductCase, Person, Release, Submission
from grading.models.codes import case_code
from grading.people import passkeys
from grading.people.passkeys import SignCountFell
from grading.people.queries import account_makers
from grading.releases import grades
from grading.web import access, step_up
from grading.web.access import load, requires
from grading.web.approving.acts import ACTS, Act, reasons
from grading.web.approving.common import bp
from grading.web.forms import Done, form_view, refused
from grading.web.instructor import release, shell
from grading.web.number_words import list_words
from grading.web.step_up import StepUpForm
from grading.workflow.approval import Action, Change, Proof


def _challenge(challenge_id: str) -> tuple[Challenge, Cohort, Act]:
    """Find what was put before the signed-in person, with its cohort and what it is about."""
    action = db.session.scalar(select(Challenge.action).where(Challenge.id == challenge_id))
    act = ACTS.get(action or "")
    if act is None:
        raise NotFound("There is no such page.")
    challenge = load(Challenge, challenge_id, act.permission, owner="person_id")
    return challenge, shell.cohort(challenge.cohort_id or "", act.permission), act


@bp.get("/<challenge_id>")
@requires(Permission.SIGNED_IN)
def page(challenge_id: str) -> ResponseReturnValue:
    """The exact list that is to be signed."""
    return _render_challenge(challenge_id)


def _render_challenge(
    challenge_id: str, form: StepUpForm | None = None, *, changes: tuple[Change, ...] = ()
) -> str:
    """Show the list, and ``changes`` in it since it was shown before."""
    challenge, cohort, act = _challenge(challenge_id)
    session = db.session()
    spent = challenge.used_at is not None or challenge.expires_at <= access.now()
    way, party = step_up.way(session, cohort), step_up.party()
    options = ""
    if way == Proof.PASSKEY and party is not None and not spent:
        options = passkeys.assertion_options(session, access.person(), challenge, party)
    works = Counter(line["submission"] for line in challenge.records)
    return render_template(
        "approving/page.html",
        cohort=cohort,
        can=shell.abilities(cohort),
        case_code=case_code,
        act=act,
        challenge=challenge,
        lines=challenge.records,
        before=_in_force(session, works) if act.amends else {},
        member=_member(session, challenge),
        clearance=_clearance(session, challenge, cohort),
        grouped=max(works.values(), default=0) > 1,
        bands=Counter(line["band"] for line in challenge.records),
        made_by_one=account_makers.made_by_one(session, cohort.id, _signers(session, challenge)),
        values=permits(access.identity(cohort.id), Permission.SCORES_READ)
        or challenge.action not in (Action.GRANT_TIME, Action.DECLARE_CONFLICT),
        spent=spent,
        way=way,
        options=options,
        changes=changes,
        form=form or StepUpForm.blank(),
        email=access.person().email,
        back=act.back(challenge),
    )


def _signers(session: Session, challenge: Challenge) -> set[str]:
    """Give who has signed the same before, and who is to sign it now."""
    before: Iterable[str | None] = ()
    if challenge.action == Action.SIGN:
        proposal = session.get_one(Release, challenge.subject_id)
        before = [sign_off.person_id for sign_off in proposal.sign_offs]
    elif challenge.action == Action.UPHOLD_CASE:
        before = [session.get_one(MisconductCase, challenge.subject_id).proposed_by_id]
    return {person_id for person_id in before if person_id} | {challenge.person_id}


def _member(session: Session, challenge: Challenge) -> str:
    """Name the one member whose points are signed; whoever gives them has seen the name before."""
    if challenge.action != Action.SET_POINTS:
        return ""
    [line] = challenge.records
    return session.get_one(Person, line["person"]).name


def _clearance(session: Session, challenge: Challenge, cohort: Cohort) -> dict[str, Any]:
    """Say who is to be cleared by hand for which criteria."""
    if challenge.action != Action.CLEAR_BY_HAND:
        return {}
    titles = cohort.rubric_version.rubric.titles
    return {
        "name": session.get_one(Person, challenge.note["person"]).name,
        "criteria": list_words([titles[code] for code in challenge.note["criteria"]]),
        "days": challenge.note["days"],
    }


def _in_force(session: Session, works: Iterable[str]) -> dict[tuple[str, str], str]:
    """Give what is released now, by work and person."""
    return {
        (work, grade.person_id): grade.value
        for work in works
        for grade in grades.in_force_of(session, session.get_one(Submission, work))
    }


@bp.post("/<challenge_id>")
@requires(Permission.SIGNED_IN)
def give(challenge_id: str) -> ResponseReturnValue:
    """Sign what stands on the page, and do it."""

    def act(session: Session, form: StepUpForm) -> Done | FaultsFound:
        challenge, cohort, signed = _challenge(challenge_id)
        if challenge.used_at is not None:
            raise Refused("This was signed already. Nothing was done a second time.")
        answer = step_up.answer(session, challenge, cohort, form)
        if answer is None:
            return FaultsFound([Fault("password", "That is not your password.")])
        return signed.do(session, challenge, cohort, answer)

    def show(form: StepUpForm) -> str:
        return _render_challenge(challenge_id, form)

    form = StepUpForm()
    try:
        return form_view(form, act, show, leave=(SignCountFell, ListChanged, FaultsFound))
    except SignCountFell as fall:
        with transaction() as session:
            passkeys.note_fall(session, access.person(), fall, now=access.now())
        return refused(form, fall, show)
    except ListChanged as error:
        return _changed(challenge_id, form, error)
    except FaultsFound as error:
        return _faulty(challenge_id, form, error)


def _changed(challenge_id: str, form: StepUpForm, error: ListChanged) -> ResponseReturnValue:
    """Say what changed, and put the list as it is now before the same person; a proposal becomes void."""
    challenge, cohort, act = _challenge(challenge_id)
    if act.again is None:
        return release.void_proposal(challenge.subject_id, error)
    try:
        with transaction() as session:
            challenge, cohort, act = _challenge(challenge_id)
            assert act.again is not None
            renewed = act.again(session, challenge, cohort).id
    except FaultsFound as found:
        return _faulty(challenge_id, form, found)
    return refused(
        form, error, lambda form: _render_challenge(renewed, form, changes=error.changes)
    )


def _faulty(challenge_id: str, form: StepUpForm, error: FaultsFound) -> ResponseReturnValue:
    """Say what has become wrong since the list was shown.

    Of a release that is a gate for which no reason was given: ask for it, with the reasons there are.
    """
    challenge, cohort, act = _challenge(challenge_id)
    if act.releases:
        gates = release.gates_form(cohort, formdata=None, data=reasons(challenge))
        return refused(gates, error, lambda gates: release.render_dry_run(cohort, gates))
    # The places are fields of the page where it was written; here only the words are of use.
    here = FaultsFound(replace(fault, where="") for fault in error.faults)
    return refused(form, here, lambda form: _render_challenge(challenge_id, form))
