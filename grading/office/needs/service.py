"""What waits for administrators of the service, in no cohort."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.models import ErasureRequest, Job, JobState
from grading.office.needs.base import Kind, Need
from grading.workflow.privacy import ERASURE_PENDING


def erasures(session: Session, _now: datetime) -> list[Need]:
    """People who asked to be erased; the law gives a month."""
    count, by = session.execute(
        select(func.count(), func.min(ErasureRequest.decide_by)).where(
            ErasureRequest.state.in_(ERASURE_PENDING)
        )
    ).one()
    return [Need(Kind.ERASURE, None, None, by, count=count)] if count else []


def failed_jobs(session: Session, _now: datetime) -> list[Need]:
    """Work of the service that gave up and waits for somebody to look into it."""
    count = session.scalar(select(func.count()).where(Job.state == JobState.FAILED))
    return [Need(Kind.JOBS_FAILED, None, None, count=count)] if count else []
