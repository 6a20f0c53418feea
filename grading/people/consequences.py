"""What a changed input would change: whoever changes it is shown it, and amends it or says why not.

An act changes its input, asks which results and records no longer follow from what they rest on, and
hands them to `settle`. What nobody has decided on yet ends the act as a question, and nothing is kept; so
to ask what an act would change is to do it without a decision.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from grading.errors import Fault, Refused
from grading.ledger import audit, seals
from grading.models import Cohort, Person
from grading.people import approvals
from grading.people.approvals import Answer
from grading.phrases import phrase
from grading.workflow.approval import Action, StepUp

LONGEST_REASON = 1_000


@dataclass(frozen=True)
class Consequence:
    """One result or record that does not follow any more from what it rests on.

    Attributes
    ----------
    subject : object
        What the audit names: a grade's submission, or a record.
    who : str
        The name of the learner.
    before, after : mapping
        What stands, and what would; plain data that pages word.
    amend : callable or None
        Puts ``after`` in place of ``before``; None where there is a hindrance.
    hindrance : Fault or None
        Why it cannot be amended in this act.
    line : mapping or None
        A result as somebody signs it; None for a record.
    named : bool
        Whether ``before`` and ``after`` name somebody: then the chain, which outlives the right to know who
        somebody was, holds neither.
    """

    subject: Any
    who: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    amend: Callable[[], object] | None
    hindrance: Fault | None = None
    line: Mapping[str, str] | None = None
    named: bool = False

    @property
    def key(self) -> str:
        """Names this very change: a decision on another one does not hold for it."""
        text = seals.canonical([self.subject_id, self.who, self.before, self.after])
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    @property
    def subject_id(self) -> str:
        return str(self.subject.id)


@dataclass(frozen=True)
class Decision:
    """Amend one consequence, or leave it; ``because`` says why it stays."""

    amend: bool
    because: str = ""


@dataclass(frozen=True)
class Decided:
    """What whoever changes an input decided.

    Attributes
    ----------
    decisions : mapping
        By the key of a consequence.
    otherwise : Decision or None
        On every consequence that none is named for.
    signed : Answer, optional
        What shows that it is them, where results are amended and the plan asks for it.
    """

    decisions: Mapping[str, Decision] = field(default_factory=dict)
    otherwise: Decision | None = None
    signed: Answer | None = None

    def on(self, consequence: Consequence) -> Decision | None:
        return self.decisions.get(consequence.key, self.otherwise)


# Nobody has been asked yet.
UNDECIDED = Decided()


class Undecided(Refused):
    """Results would change, and nobody has decided on them: the act asks, and nothing was changed."""

    def __init__(self, consequences: Sequence[Consequence], faults: Sequence[Fault] = ()) -> None:
        self.consequences = tuple(consequences)
        self.faults = tuple(faults)
        super().__init__(
            phrase("This would change %(n)s results. Decide on each whether it is amended."),
            n=len(self.consequences),
        )


class Unsigned(Refused):
    """Results would be amended, and the plan asks for a signature: it is put before the person first."""

    def __init__(
        self, action: Action, cohort: Cohort, records: Sequence[Mapping[str, str]]
    ) -> None:
        self.action, self.cohort_id, self.records = action, cohort.id, tuple(records)
        super().__init__(phrase("The plan asks whoever releases to show that it is them."))


def settle(
    session: Session,
    actor: Person | None,
    consequences: Sequence[Consequence],
    decided: Decided,
    *,
    now: datetime,
    action: Action | None = None,
    cohort: Cohort | None = None,
    note: Mapping[str, Any] | None = None,
    chain: str | None = None,
) -> None:
    """Amend what is to be amended, and keep why the rest stays.

    Parameters
    ----------
    action, cohort, note : optional
        What is signed where results are amended and the cohort's plan asks for it; ``note`` names the input.
    chain : str, optional
        Where it is kept why a result stays, if not in the chain of the result.

    Raises
    ------
    Undecided
        Something is not decided on, cannot be amended here, or stays without a reason.
    Unsigned
        Results are amended without the signature that the plan asks for.
    """
    decisions = [(consequence, decided.on(consequence)) for consequence in consequences]
    faults = [fault for pair in decisions for fault in _faults(*pair)]
    if faults or any(decision is None for _, decision in decisions):
        raise Undecided(consequences, faults)
    amended = [one for one, decision in decisions if decision is not None and decision.amend]
    lines = [one.line for one in amended if one.line is not None]
    if lines and action is not None and cohort is not None and actor is not None:
        if decided.signed is None and cohort.plan.step_up != StepUp.OFF:
            raise Unsigned(action, cohort, lines)
        approvals.accept_where_asked(
            session,
            actor,
            decided.signed,
            action,
            cohort.id,
            cohort=cohort,
            records=lines,
            note=note or {},
            now=now,
        )
    for consequence, decision in decisions:
        assert decision is not None
        if decision.amend and consequence.amend is not None:
            consequence.amend()
        else:
            audit.record(
                session,
                actor,
                "consequence:leave",
                consequence.subject,
                now=now,
                before=None if consequence.named else dict(consequence.before),
                after=None if consequence.named else dict(consequence.after),
                reason=decision.because.strip(),
                chain=chain,
            )


def _faults(consequence: Consequence, decision: Decision | None) -> list[Fault]:
    if decision is None:
        return []
    if decision.amend:
        hindrance = consequence.hindrance
        return [replace(hindrance, where=consequence.key)] if hindrance else []
    if not decision.because.strip():
        return [Fault(consequence.key, phrase("Say why it stays as it is."))]
    if len(decision.because) > LONGEST_REASON:
        return [
            Fault(
                consequence.key,
                phrase("Use %(most)s characters at most."),
                {"most": LONGEST_REASON},
            )
        ]
    return []
