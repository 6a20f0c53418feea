"""What is put before somebody for their signature, and what they answer."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Flask, flash, g, redirect, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import FaultsFound, ListChanged, NotFound, Refused
from grading.models import Challenge, Cohort, Person, Submission
from grading.people import passkeys
from grading.people.passkeys import SignCountFell
from grading.releases import grades
from grading.releases.queries.cohort_overview import case_code
from grading.web import access, step_up
from grading.web.access import load, requires
from grading.web.approving.acts import ACTS, Act, reasons
from grading.web.errors import fault_words, status_of, words
from grading.web.instructor import release, shell
from grading.workflow.approval import Action, Change, Proof

bp = Blueprint("approving", __name__, url_prefix="/approve")


def _challenge(challenge_id: str) -> tuple[Challenge, Cohort, Act]:
    """Find what was put before the signed-in person, with its cohort and what it is about."""
    action = db.session.scalar(select(Challenge.action).where(Challenge.id == challenge_id))
    act = ACTS.get(action or "")
    if act is None:
        raise NotFound("There is no such page.")
    found = load(Challenge, challenge_id, act.permission, owner="person_id")
    return found, shell.cohort(found.cohort_id or "", act.permission), act


@bp.get("/<challenge_id>")
@requires(Permission.SIGNED_IN)
def page(challenge_id: str) -> Any:
    """The exact list that is to be signed."""
    return _page(challenge_id)


def _page(
    challenge_id: str,
    *,
    message: str = "",
    wrong: str = "",
    changes: tuple[Change, ...] = (),
    status: int = 200,
) -> Any:
    """Show the list; ``message`` is what was refused, ``wrong`` what is wrong with the password."""
    challenge, cohort, act = _challenge(challenge_id)
    session = db.session()
    spent = challenge.used_at is not None or challenge.expires_at <= access.now()
    way, party = step_up.way(session, cohort), step_up.party()
    options = ""
    if way == Proof.PASSKEY and party is not None and not spent:
        options = passkeys.assertion_options(session, access.person(), challenge, party)
    works = Counter(line["submission"] for line in challenge.records)
    shown = render_template(
        "approving/page.html",
        cohort=cohort,
        can=shell.abilities(cohort),
        case_code=case_code,
        act=act,
        challenge=challenge,
        lines=challenge.records,
        before=_in_force(session, works) if act.amends else {},
        member=_member(session, challenge),
        grouped=max(works.values(), default=0) > 1,
        bands=Counter(line["band"] for line in challenge.records),
        spent=spent,
        way=way,
        options=options,
        changes=changes,
        refused=message,
        wrong=wrong,
        email=access.person().email,
        back=act.back(challenge),
        page_error=bool(message or wrong or changes),
    )
    return shown, status


def _member(session: Session, challenge: Challenge) -> str:
    """Name the one member whose points are signed; whoever gives them has seen the name before."""
    if challenge.action != Action.SET_POINTS:
        return ""
    [line] = challenge.records
    return session.get_one(Person, line["person"]).name


def _in_force(session: Session, works: Iterable[str]) -> dict[tuple[str, str], str]:
    """Give what is released now, by work and person."""
    return {
        (work, grade.person_id): grade.value
        for work in works
        for grade in grades.in_force_of(session, session.get_one(Submission, work))
    }


@bp.post("/<challenge_id>")
@requires(Permission.SIGNED_IN)
def give(challenge_id: str) -> Any:
    """Sign what stands on the page, and do it."""
    try:
        with transaction() as session:
            challenge, cohort, act = _challenge(challenge_id)
            if challenge.used_at is not None:
                raise Refused("This was signed already. Nothing was done a second time.")
            answer = step_up.answer(session, challenge, cohort)
            done = act.do(session, challenge, cohort, answer) if answer else None
    except SignCountFell as fall:
        with transaction() as session:
            passkeys.note_fall(session, access.person(), fall, now=access.now())
        return _page(challenge_id, message=words(fall), status=409)
    except ListChanged as error:
        return _changed(challenge_id, error)
    except FaultsFound as error:
        return _faulty(challenge_id, error)
    except Refused as error:
        return _page(challenge_id, message=words(error), status=status_of(error))
    if done is None:
        return _page(challenge_id, wrong=_("That is not your password."), status=422)
    flash(done.said)
    return redirect(done.place, 303)


def _changed(challenge_id: str, error: ListChanged) -> Any:
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
        return _faulty(challenge_id, found)
    return _page(renewed, message=words(error), changes=error.changes, status=409)


def _faulty(challenge_id: str, error: FaultsFound) -> Any:
    """Say what has become wrong since the list was shown.

    Of a release that is a gate for which no reason was given: ask for it, with the reasons there are.
    """
    challenge, cohort, act = _challenge(challenge_id)
    if act.releases:
        form = release.gates_form(cohort, formdata=None, data=reasons(challenge))
        status = form.refuse(error)
        g.page_error = True
        return release.render_dry_run(cohort, form), status
    return _page(challenge_id, message=" ".join(map(fault_words, error.faults)), status=422)


def register(app: Flask) -> None:
    app.register_blueprint(bp)
