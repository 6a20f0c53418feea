"""The only writer of a state: the change and its audit entry in the same breath."""

from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.orm import Session

from grading.ledger import audit
from grading.models import (
    Alarm,
    Allocation,
    AnchorPaper,
    Appeal,
    CalibrationAttempt,
    Cohort,
    CredentialRecord,
    Discrepancy,
    Entitlement,
    ErasureRequest,
    Explanation,
    Extension,
    IssuedCredential,
    MisconductCase,
    Objection,
    PartnerSending,
    Person,
    PersonalExport,
    Quarantine,
    Release,
    RubricVersion,
    SigningKey,
    Standing,
    Submission,
    SubmissionMember,
)
from grading.workflow import (
    adjudication,
    allocation,
    appeal,
    calendar,
    calibration,
    cohort,
    credential,
    group,
    issued,
    misconduct,
    monitoring,
    privacy,
    release,
    submission,
)
from grading.workflow.machine import Machine

MACHINES: dict[type, Machine] = {
    Submission: submission.MACHINE,
    Allocation: allocation.MACHINE,
    Discrepancy: adjudication.MACHINE,
    Release: release.MACHINE,
    Cohort: cohort.MACHINE,
    CredentialRecord: credential.RECORD_MACHINE,
    RubricVersion: credential.RUBRIC_MACHINE,
    Entitlement: credential.ENTITLEMENT_MACHINE,
    Appeal: appeal.MACHINE,
    Explanation: appeal.EXPLANATION_MACHINE,
    MisconductCase: misconduct.MACHINE,
    Extension: calendar.EXTENSION_MACHINE,
    AnchorPaper: calibration.ANCHOR_MACHINE,
    CalibrationAttempt: calibration.ATTEMPT_MACHINE,
    Standing: calibration.STANDING_MACHINE,
    Alarm: monitoring.ALARM_MACHINE,
    Quarantine: monitoring.QUARANTINE_MACHINE,
    SubmissionMember: group.MEMBER_MACHINE,
    Objection: group.OBJECTION_MACHINE,
    IssuedCredential: issued.ISSUED_MACHINE,
    SigningKey: issued.KEY_MACHINE,
    PersonalExport: privacy.EXPORT_MACHINE,
    ErasureRequest: privacy.ERASURE_MACHINE,
    PartnerSending: privacy.SENDING_MACHINE,
}


class Stateful(Protocol):
    """A record that a machine moves."""

    state: Any

    @property
    def chain(self) -> str: ...


def move(
    session: Session,
    record: Stateful,
    event: str,
    *,
    actor: Person | None,
    now: datetime,
    reason: str | None = None,
    note: dict[str, object] | None = None,
    **columns: object,
) -> None:
    """Move a record by an event, together with the columns the new state needs.

    Parameters
    ----------
    actor : Person or None
        None is the service itself.
    note : dict, optional
        More for the audit entry than the columns say (a seed, a list of ids).
    **columns
        New values of other columns; they stand in the audit entry, before and after.

    Raises
    ------
    IllegalTransition
        The machine's table has no such pair.
    """
    machine = MACHINES[type(record)]
    before: dict[str, object] = {"state": record.state}
    after: dict[str, object] = {"state": str(machine.after(record.state, event))}
    for name, value in columns.items():
        before[name], after[name] = getattr(record, name), value
        setattr(record, name, value)
    record.state = after["state"]
    audit.record(
        session,
        actor,
        f"{machine.name}:{event}",
        record,
        now=now,
        before=before,
        after=after | (note or {}),
        reason=reason,
    )
