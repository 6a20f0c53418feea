"""Which rows the audit chain holds fast: every table stands here, sealed or apart."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, String, cast, inspect, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from grading import models
from grading.batches import SIZE, batches
from grading.models import (
    Allocation,
    AnchorMarking,
    AnchorPaper,
    AnchorReading,
    Base,
    Cohort,
    CredentialRecord,
    Evidence,
    Extension,
    Grade,
    Job,
    MemberPoints,
    MisconductCase,
    Passkey,
    Person,
    Quarantine,
    QuarantinedRating,
    Rating,
    RecordEntry,
    Release,
    ReleaseItem,
    Review,
    Score,
    SignOff,
    Standing,
    StruckReading,
    Submission,
    SubmissionFile,
    SubmittedCopy,
)
from grading.workflow.allocation import AllocationState
from grading.workflow.submission import SubmissionState

SERVICE = "service"


@dataclass(frozen=True)
class Sealing:
    """How the rows of a table are held fast.

    Attributes
    ----------
    model : type
        The table.
    apart : frozenset of str
        Columns that say nothing of what was done, or change too often for it.
    parts : tuple of InstrumentedAttribute
        Of tables whose rows are part of one row here: the column that names it.
    states : frozenset of str, optional
        Only rows in these states are sealed, because nothing rests on the others; all by default.
    chain : ColumnElement, optional
        The chain that holds them; by default that of the cohort, or else of the service.
    written_once : bool
        What is sealed of a row never changes.
    """

    model: Any
    apart: frozenset[str] = frozenset()
    parts: tuple[InstrumentedAttribute[str], ...] = ()
    states: frozenset[str] | None = None
    chain: ColumnElement[str] | None = None
    written_once: bool = False

    @property
    def table(self) -> str:
        return str(self.model.__tablename__)

    @property
    def key(self) -> Any:
        """The attribute that holds the ids of the rows."""
        [column] = inspect(self.model).primary_key
        return getattr(self.model, str(column.key))

    def row(self, key: object) -> str:
        """Name a row, as its seals do."""
        return f"{self.table}:{key}"


def _through(
    own: InstrumentedAttribute[str], parent: type[Submission | Allocation]
) -> ColumnElement[str]:
    """Give the cohort of a row that names its submission or allocation."""
    return select(parent.cohort_id).where(parent.id == own).correlate(own.class_).scalar_subquery()


_HANDED_IN = frozenset(SubmissionState) - {SubmissionState.DRAFT}


def _sealings() -> Iterator[Sealing]:
    yield Sealing(
        Allocation,
        parts=(Review.allocation_id, Rating.allocation_id),
        states=frozenset({AllocationState.SEALED}),
    )
    yield Sealing(
        Submission,
        apart=frozenset({"saved_at"}),
        parts=(SubmissionFile.submission_id, SubmittedCopy.submission_id),
        states=_HANDED_IN,
    )
    yield Sealing(Score, chain=_through(Score.submission_id, Submission))
    yield Sealing(Grade, chain=_through(Grade.submission_id, Submission))
    yield Sealing(MemberPoints, chain=_through(MemberPoints.submission_id, Submission))
    yield Sealing(StruckReading, chain=_through(StruckReading.allocation_id, Allocation))
    yield Sealing(AnchorReading, chain=_through(AnchorReading.allocation_id, Allocation))
    yield Sealing(Release, parts=(ReleaseItem.release_id, SignOff.release_id))
    yield Sealing(Quarantine, parts=(QuarantinedRating.quarantine_id,))
    yield Sealing(AnchorPaper, parts=(AnchorMarking.anchor_id,))
    yield Sealing(MisconductCase, parts=(Evidence.case_id,))
    yield Sealing(CredentialRecord, parts=(RecordEntry.record_id,))
    yield Sealing(Cohort, apart=frozenset({"looked_at"}), chain=Cohort.id.expression)
    # It carries over from cohort to cohort, and its seals must follow each other in one chain.
    yield Sealing(Standing, chain=literal(SERVICE))
    yield Sealing(Extension, chain=literal("calendar:") + Extension.cohort_id)
    yield Sealing(
        Person,
        apart=frozenset({"password_hash", "epoch", "time_zone", "theme", "single_keys", "digest"}),
    )
    yield Sealing(Passkey, apart=frozenset({"sign_count", "used_at"}))
    # What a job is to do, not how far it is.
    yield Sealing(
        Job,
        apart=frozenset(
            {"state", "run_at", "attempts", "lease_until", "worker", "done", "total", "error"}
            | {"ended_at"}
        ),
        written_once=True,
    )
    for model in (
        models.Absence, models.Adjustment, models.Alarm, models.Appeal, models.Approval, models.Brief,
        models.CalibrationAttempt, models.Completion, models.ConflictOfInterest, models.Course,
        models.Discrepancy, models.Entitlement, models.ErasureRequest, models.Explanation,
        models.IdentityCheck, models.IssuedCredential, models.KeptTranscript, models.Membership,
        models.Objection, models.Partner, models.PartnerConsent, models.PartnerSending,
        models.PlanVersion, models.Program, models.QueuePause, models.RubricVersion, models.ShareLink,
        models.SignInLink, models.SigningKey, models.Sponsor, models.SponsorMember, models.Standing,
        models.StatusList, models.SubmissionMember,
    ):  # fmt: skip
        yield Sealing(model)


def _table_of(column: InstrumentedAttribute[str]) -> Any:
    return column.class_


SEALINGS = tuple(_sealings())
# Nothing that was decided rests on these: what is counted, computed anew, passing, or the chain itself.
APART: tuple[type[Base], ...] = (
    models.AuditEntry, models.AuditHead, models.BulkCheck, models.Challenge, models.CohortStatistics,
    models.DemoMark,
    models.Disclosure, models.DoomedFile, models.Exposure, models.GradeSeen, models.ImportBatch,
    models.PasswordReset, models.PersonalExport, models.PublicView, models.RetentionRun, models.Seal,
    models.SignIn, models.SignInAttempt,
)  # fmt: skip
# By table: how it is sealed, and the column that names the sealed row.
SEALED_BY: Mapping[type[Base], tuple[Sealing, Any]] = {
    **{sealing.model: (sealing, sealing.key) for sealing in SEALINGS},
    **{_table_of(part): (sealing, part) for sealing in SEALINGS for part in sealing.parts},
}


@cache
def _columns(model: Any, apart: frozenset[str]) -> tuple[tuple[Column[Any], Any], ...]:
    """List the columns of a table that are sealed, with what each says by default."""
    counter = inspect(model).version_id_col
    columns: Iterable[Column[Any]] = model.__table__.columns
    return tuple(
        (column, _by_default(column))
        for column in columns
        if column.key not in apart and column is not counter
    )


def _by_default(column: Column[Any]) -> Any:
    default: Any = column.default
    if default is None:
        return None
    if default.is_scalar:
        return default.arg
    empty: dict[str, Any] = {"list": [], "dict": {}}
    return empty.get(default.arg.__name__) if isinstance(column.type, JSON) else None


def _said(columns: Iterable[tuple[Column[Any], Any]], values: Iterable[Any]) -> dict[str, Any]:
    """Give what a row says, less what a column says by default: a column that comes later changes nothing."""
    return {
        column.key: value
        for (column, default), value in zip(columns, values, strict=True)
        if value != default
    }


def contents(
    session: Session, sealing: Sealing, keys: Iterable[str] | None = None
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Read rows as they are sealed: key, chain, and what stands in them; all rows where no keys are given."""
    if keys is None:
        every = select(sealing.key).execution_options(yield_per=SIZE)
        keys = session.scalars(every)
    own = _columns(sealing.model, sealing.apart)
    for some in batches(keys):
        condition = [sealing.key.in_(some)]
        if sealing.states is not None:
            condition.append(sealing.model.state.in_(sealing.states))
        parts: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for column in sealing.parts:
            table = _table_of(column)
            columns = _columns(table, frozenset())
            for key, *values in session.execute(
                select(column, *(of_part for of_part, _default in columns))
                .where(column.in_(some))
                .order_by(*inspect(table).primary_key)
            ):
                of_row = parts.setdefault(key, {})
                of_row.setdefault(table.__tablename__, []).append(_said(columns, values))
        for key, chain, *values in session.execute(
            select(sealing.key, _chain(sealing), *(column for column, _default in own)).where(
                *condition
            )
        ):
            yield str(key), chain, _said(own, values) | parts.get(key, {})


def _chain(sealing: Sealing) -> ColumnElement[str]:
    if sealing.chain is not None:
        return sealing.chain
    cohort: ColumnElement[str] = getattr(sealing.model, "cohort_id", literal(SERVICE))
    return cast(cohort, String)
