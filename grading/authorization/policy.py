"""Who may do what: one table; what it does not name is refused.

Permission, state and deadline are three questions. This is the first only.
"""

from collections.abc import Mapping

from grading.authorization.identity import Identity
from grading.authorization.permissions import Permission as P
from grading.workflow.cohort import Role as R

BY_ROLE: Mapping[P, frozenset[R]] = {
    P.SUBMISSION_WRITE: frozenset({R.LEARNER}),
    P.RESULT_READ: frozenset({R.LEARNER}),
    P.REVIEW_PEER: frozenset({R.LEARNER, R.PEER}),
    P.REVIEW_PROFESSIONAL: frozenset({R.GRADER, R.LEAD, R.INSTRUCTOR}),
    P.COHORT_READ: frozenset({R.INSTRUCTOR, R.LEAD, R.COORDINATOR, R.OBSERVER}),
    P.COHORT_MANAGE: frozenset({R.COORDINATOR, R.INSTRUCTOR}),
    P.LEARNERS_READ: frozenset({R.INSTRUCTOR, R.COORDINATOR}),
    P.SCORES_READ: frozenset({R.INSTRUCTOR, R.LEAD}),
    P.CALIBRATE: frozenset({R.INSTRUCTOR, R.LEAD}),
    P.MONITOR: frozenset({R.INSTRUCTOR, R.LEAD}),
    P.ADJUDICATE: frozenset({R.INSTRUCTOR, R.LEAD}),
    P.MISCONDUCT: frozenset({R.INSTRUCTOR}),
    P.EXTEND: frozenset({R.COORDINATOR}),
    # Documents are shown to who looks after people, never to who scores them.
    P.IDENTITY_CHECK: frozenset({R.COORDINATOR}),
    P.RELEASE: frozenset({R.INSTRUCTOR}),
    P.AUDIT_READ: frozenset({R.INSTRUCTOR, R.LEAD, R.OBSERVER}),
    P.FUNNEL_READ: frozenset({R.INSTRUCTOR, R.COORDINATOR}),
}

# An administrator runs the service; that alone lets nobody read work, scores or results.
# A funnel is counts alone.
BY_ADMINISTRATOR = frozenset(
    {P.SERVICE_MANAGE, P.COHORT_MANAGE, P.PROGRAM_MANAGE, P.OFFICE_USE, P.FUNNEL_READ}
)
# A program office runs its own sponsor's programs and cohorts; another sponsor's are not there for it.
BY_OFFICE = frozenset({P.PROGRAM_MANAGE, P.COHORT_MANAGE, P.FUNNEL_READ})

# What these show or decide of a work is nothing for whoever had a part in it.
OF_OTHERS = frozenset(
    {
        P.REVIEW_PROFESSIONAL,
        P.COHORT_READ,
        P.LEARNERS_READ,
        P.SCORES_READ,
        P.CALIBRATE,
        P.MONITOR,
        P.ADJUDICATE,
        P.MISCONDUCT,
        P.RELEASE,
    }
)


def permits(identity: Identity, permission: P) -> bool:
    """Say whether an identity has a permission; unknown means no."""
    if permission is P.SIGNED_OUT:
        return True
    if identity.person is None or not identity.person.active:
        return False
    if permission is P.SIGNED_IN:
        return True
    if identity.administrator and permission in BY_ADMINISTRATOR:
        return True
    if permission is P.OFFICE_USE:
        return bool(identity.sponsors)
    if identity.office and permission in BY_OFFICE:
        return True
    return bool(identity.roles & BY_ROLE.get(permission, frozenset()))
