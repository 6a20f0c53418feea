"""Anchor papers, calibration attempts and standings: how a rater is cleared for a criterion."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from grading.workflow.machine import Machine


class AnchorState(StrEnum):
    """``proposed`` waits for two blind markings, ``marked`` for their consensus."""

    PROPOSED = "proposed"
    MARKED = "marked"
    AGREED = "agreed"
    WITHDRAWN = "withdrawn"


class AnchorUse(StrEnum):
    """What an agreed anchor paper is for; one paper has one use, so that nobody meets it twice."""

    PRACTICE = "practice"
    QUALIFICATION = "qualification"
    VALIDITY = "validity"


class AttemptKind(StrEnum):
    PRACTICE = "practice"
    QUALIFICATION = "qualification"


class AttemptState(StrEnum):
    OPEN = "open"
    JUDGED = "judged"
    ENDED = "ended"


class StandingState(StrEnum):
    """A rater's standing on one criterion; ``set_aside`` while a quarantine is in force."""

    NOT_QUALIFIED = "not_qualified"
    QUALIFIED = "qualified"
    PROVISIONAL = "provisional"
    EXPIRED = "expired"
    SET_ASIDE = "set_aside"


class Stuck(StrEnum):
    """Why somebody who is not cleared to the end of grading cannot become so without a lead."""

    NO_TRY = "no_try"
    NO_EXAMPLES = "no_examples"


N = AnchorState
ANCHOR_MACHINE = Machine(
    "anchor",
    AnchorState,
    {
        (N.PROPOSED, "mark"): N.MARKED,
        (N.MARKED, "agree"): N.AGREED,
        (N.PROPOSED, "withdraw"): N.WITHDRAWN,
        (N.MARKED, "withdraw"): N.WITHDRAWN,
        (N.AGREED, "withdraw"): N.WITHDRAWN,
    },
)
T = AttemptState
ATTEMPT_MACHINE = Machine(
    "attempt",
    AttemptState,
    {(T.OPEN, "judge"): T.JUDGED, (T.OPEN, "end"): T.ENDED},
)
S = StandingState
STANDING_MACHINE = Machine(
    "standing",
    StandingState,
    {
        **{
            (state, event): after
            for state in (S.QUALIFIED, S.PROVISIONAL, S.NOT_QUALIFIED, S.EXPIRED)
            for event, after in (
                ("qualify", S.QUALIFIED),
                ("qualify_provisionally", S.PROVISIONAL),
                ("fail", S.NOT_QUALIFIED),
            )
        },
        **{(state, "clear_by_hand"): S.QUALIFIED for state in S},
        (S.QUALIFIED, "expire"): S.EXPIRED,
        (S.PROVISIONAL, "expire"): S.EXPIRED,
        (S.QUALIFIED, "set_aside"): S.SET_ASIDE,
        (S.PROVISIONAL, "set_aside"): S.SET_ASIDE,
        (S.SET_ASIDE, "restore"): S.QUALIFIED,
        (S.SET_ASIDE, "qualify"): S.QUALIFIED,
        (S.SET_ASIDE, "qualify_provisionally"): S.PROVISIONAL,
        (S.SET_ASIDE, "fail"): S.NOT_QUALIFIED,
    },
)
# With one of these on every criterion a rater is given live items.
CLEARED = (S.QUALIFIED, S.PROVISIONAL)
EVENT_OF_VERDICT = {
    "qualified": "qualify",
    "provisional": "qualify_provisionally",
    "not_qualified": "fail",
}
_ALWAYS = datetime.min.replace(tzinfo=UTC)


def may_try_again_at(ended: list[datetime], *, tries: int, wait_hours: float) -> datetime | None:
    """Say from when another qualification may begin (aware UTC); None when no try is left.

    Parameters
    ----------
    ended : list of datetime
        When earlier tries ended, oldest first.
    """
    if len(ended) >= tries:
        return None
    return ended[-1] + timedelta(hours=wait_hours) if ended else _ALWAYS
