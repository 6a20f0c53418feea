"""What is put before somebody for their signature, and what they answer."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import FaultsFound, ListChanged, Refused
from grading.models import Challenge, Cohort, CredentialRecord, Release
from grading.services import passkeys, records, releases
from grading.services.approvals import Answer
from grading.services.passkeys import SignCountFell
from grading.web import access, step_up
from grading.web.access import load, requires
from grading.web.errors import fault_words, status_of, words
from grading.web.instructor import release_page, shell
from grading.workflow.approval import Action, Change, Proof

bp = Blueprint("approving", __name__, url_prefix="/teach/approve")

RELEASE = Permission.RELEASE


def _challenge(challenge_id: str) -> tuple[Challenge, Cohort]:
    """Find what was put before the signed-in person, and its cohort."""
    found = load(Challenge, challenge_id, RELEASE, owner="person_id")
    return found, shell.cohort(found.cohort_id or "", RELEASE)


def _reasons(challenge: Challenge) -> dict[str, str]:
    return {one["gate"]: one["reason"] for one in challenge.note.get("overrides", ())}


@bp.get("/<challenge_id>")
@requires(RELEASE)
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
    challenge, cohort = _challenge(challenge_id)
    session = db.session()
    spent = challenge.used_at is not None or challenge.expires_at <= access.now()
    way, party = step_up.way(session, cohort), step_up.party()
    options = ""
    if way == Proof.PASSKEY and party is not None and not spent:
        options = passkeys.assertion_options(session, access.person(), challenge, party)
    of_work = Counter(line["submission"] for line in challenge.records)
    shown = shell.render(
        "approve.html",
        cohort,
        challenge=challenge,
        lines=challenge.records,
        grouped=max(of_work.values(), default=0) > 1,
        bands=Counter(line["band"] for line in challenge.records),
        spent=spent,
        way=way,
        options=options,
        changes=changes,
        refused=message,
        wrong=wrong,
        email=access.person().email,
        back=_back(session, challenge),
        page_error=bool(message or wrong or changes),
    )
    return shown, status


def _back(session: Session, challenge: Challenge) -> str:
    """Where whoever signs nothing goes back to."""
    if challenge.action == Action.REVOKE:
        works = {line["submission"] for line in challenge.records}
        if len(works) == 1:
            return url_for("instructor.submission", submission_id=works.pop())
    return url_for("instructor.release", cohort_id=challenge.cohort_id)


@dataclass(frozen=True)
class Done:
    """What was done, in words, and where to go then."""

    said: str
    place: str


@bp.post("/<challenge_id>")
@requires(RELEASE)
def give(challenge_id: str) -> Any:
    """Sign what stands on the page, and do it."""
    try:
        with transaction() as session:
            challenge, cohort = _challenge(challenge_id)
            answer = step_up.answer(session, challenge, cohort)
            done = _ACTS[challenge.action](session, challenge, cohort, answer) if answer else None
    except SignCountFell as fall:
        with transaction() as session:
            passkeys.note_fall(session, access.person(), fall, now=access.now())
        return _page(challenge_id, message=words(fall), status=409)
    except ListChanged as error:
        return _changed(challenge_id, error)
    except FaultsFound as error:
        return _gate_fell(challenge_id, error)
    except Refused as error:
        return _page(challenge_id, message=words(error), status=status_of(error))
    if done is None:
        return _page(challenge_id, wrong=_("That is not your password."), status=422)
    flash(done.said)
    return redirect(done.place, 303)


def _changed(challenge_id: str, error: ListChanged) -> Any:
    """Say what changed, and put the list as it is now before the same person; a proposal becomes void."""
    challenge, cohort = _challenge(challenge_id)
    if challenge.action == Action.SIGN:
        return voided(challenge.subject_id, error)
    try:
        with transaction() as session:
            challenge, cohort = _challenge(challenge_id)
            person, now = access.person(), access.now()
            if challenge.action == Action.PROPOSE:
                renewed = releases.lay_before(
                    session,
                    person,
                    cohort,
                    overrides=_reasons(challenge),
                    failed_gates=release_page.failed(session, cohort),
                    now=now,
                ).id
            else:
                record = session.get_one(CredentialRecord, challenge.subject_id)
                reason = str(challenge.note["reason"])
                renewed = records.lay_revocation_before(
                    session, person, record, cohort, reason=reason, now=now
                ).id
    except FaultsFound as found:
        return _gate_fell(challenge_id, found)
    return _page(renewed, message=words(error), changes=error.changes, status=409)


def _gate_fell(challenge_id: str, error: FaultsFound) -> Any:
    """A gate is not met any more for which no reason was given: ask for it, with the reasons there are."""
    challenge, cohort = _challenge(challenge_id)
    faults = {fault.where: fault_words(fault) for fault in error.faults}
    return release_page.page(db.session(), cohort, faults, 422, _reasons(challenge))


def voided(release_id: str, error: ListChanged) -> Any:
    """Void a proposal that cannot be signed any more, and show it where the releases are."""
    with transaction() as session:
        found = load(Release, release_id, RELEASE)
        cohort_id = found.cohort_id
        releases.void(session, access.person(), found, error.changes, now=access.now())
    flash(
        ngettext(
            "%(num)s line changed since the list was signed, so the proposal is void. Nothing was sent.",
            "%(num)s lines changed since the list was signed, so the proposal is void. Nothing was sent.",
            len(error.changes),
        )
    )
    return redirect(url_for("instructor.release", cohort_id=cohort_id) + "#releases", 303)


def _propose(session: Session, challenge: Challenge, cohort: Cohort, answer: Answer) -> Done:
    releases.propose(
        session,
        access.person(),
        cohort,
        overrides=_reasons(challenge),
        failed_gates=release_page.failed(session, cohort),
        answer=answer,
        now=access.now(),
    )
    place = url_for("instructor.release", cohort_id=cohort.id) + "#releases"
    return Done(_("The release is proposed, with your sign-off."), place)


def _sign(session: Session, challenge: Challenge, cohort: Cohort, answer: Answer) -> Done:
    release = session.get_one(Release, challenge.subject_id)
    releases.sign(session, access.person(), release, answer=answer, now=access.now())
    place = url_for("instructor.release", cohort_id=cohort.id) + "#releases"
    return Done(_("You have signed the release."), place)


def _revoke(session: Session, challenge: Challenge, cohort: Cohort, answer: Answer) -> Done:
    record = session.get_one(CredentialRecord, challenge.subject_id)
    records.revoke_signed(session, access.person(), record, cohort, answer, now=access.now())
    return Done(_("The record is revoked. Its public page says so."), _back(session, challenge))


_Act = Callable[[Session, Challenge, Cohort, Answer], Done]
_ACTS: Mapping[str, _Act] = {
    Action.PROPOSE: _propose,
    Action.SIGN: _sign,
    Action.REVOKE: _revoke,
}
