"""What the pages of those who teach and look after a cohort share: the blueprint, its zone, and its tabs."""

from typing import Any

from flask import Blueprint, g, render_template, url_for

from grading.authorization.permissions import Permission
from grading.authorization.policy import permits
from grading.models import Challenge, Cohort
from grading.models.codes import case_code
from grading.web import access
from grading.web.access import load
from grading.web.forms import Done

bp = Blueprint("instructor", __name__, url_prefix="/teach")


def cohort(cohort_id: str, permission: Permission) -> Cohort:
    """Find a cohort for somebody with a permission in it."""
    cohort = load(Cohort, cohort_id, permission)
    g.cohort_zone = cohort.zone
    return cohort


def abilities(cohort: Cohort) -> dict[str, bool]:
    """What the reader's tabs lead to."""
    who = access.identity(cohort.id)
    return {
        "read": permits(who, Permission.COHORT_READ),
        "scores": permits(who, Permission.SCORES_READ),
        "calibrate": permits(who, Permission.CALIBRATE),
        "monitor": permits(who, Permission.MONITOR),
        "release": permits(who, Permission.RELEASE),
        "audit": permits(who, Permission.AUDIT_READ),
        "manage": permits(who, Permission.COHORT_MANAGE),
        "names": permits(who, Permission.LEARNERS_READ),
        "misconduct": permits(who, Permission.MISCONDUCT),
        "identity": permits(who, Permission.IDENTITY_CHECK),
        "extend": permits(who, Permission.EXTEND),
        "funnel": permits(who, Permission.FUNNEL_READ),
    }


def render(template: str, cohort: Cohort, **values: Any) -> str:
    """Render a page of a cohort with its tabs."""
    return render_template(
        f"instructor/{template}",
        cohort=cohort,
        can=abilities(cohort),
        case_code=case_code,
        **values,
    )


def to_sign(challenge: Challenge) -> Done:
    """Lead on to the page where somebody signs what is put before them."""
    return Done(url_for("approving.page", challenge_id=challenge.id))
