"""Step-ups at the web's edge: which way is open to a person, and what a form brought."""

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import HiddenField, PasswordField

from grading.errors import Refused
from grading.models import Challenge, Cohort
from grading.people import approvals
from grading.people.approvals import Answer
from grading.settings import RelyingParty
from grading.web import access
from grading.web.forms import Form
from grading.workflow.approval import Proof, StepUp


def party() -> RelyingParty | None:
    """Who asks for passkeys; None where the service's address allows none."""
    return access.installation().settings.relying_party


def way(session: Session, cohort: Cohort) -> Proof | None:
    """How the signed-in person shows that it is them, where the cohort's plan asks for it."""
    return approvals.way_of(session, access.person(), StepUp(cohort.plan.step_up), party())


def asked(session: Session, cohort: Cohort) -> bool:
    """Whether a cohort's plan asks for a step-up.

    Raises
    ------
    Refused
        It does, and the person has no way to do it yet.
    """
    if cohort.plan.step_up == StepUp.OFF:
        return False
    if way(session, cohort) is None:
        raise Refused(
            "The plan asks for a passkey, and you have none for this address. Add one on your page of "
            "passkeys, then come back."
        )
    return True


class StepUpForm(Form):
    assertion = HiddenField()
    password = PasswordField(_l("Password"))


def answer(
    session: Session, challenge: Challenge, cohort: Cohort, form: StepUpForm
) -> Answer | None:
    """Check what the form brought, in the way that is open to the person; they do not choose.

    Returns
    -------
    Answer or None
        None for a wrong password, which is counted.
    """
    person, now = access.person(), access.now()
    relying = party()
    if way(session, cohort) == Proof.PASSKEY and relying is not None:
        return approvals.by_passkey(
            session, person, challenge, form.assertion.data, party=relying, now=now
        )
    asked(session, cohort)
    return approvals.by_password(
        session,
        person,
        challenge,
        form.password.data,
        hasher=access.installation().hasher,
        now=now,
    )
