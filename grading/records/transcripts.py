"""What the law keeps of an erased person: who was awarded what, by whom and when, and not a word more."""

from calendar import monthrange
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import NotFound, Refused
from grading.ledger import audit
from grading.models import (
    Cohort,
    Completion,
    CredentialRecord,
    Grade,
    KeptTranscript,
    Person,
    Program,
    Submission,
)
from grading.models.conditions import in_force, is_current_record
from grading.people.queries import identity_checks
from grading.records import disclosures
from grading.workflow.deadlines import NO_ZONE, day_begins, local_day
from grading.workflow.plan import GradingPlan
from grading.workflow.privacy import Disclosed, Ground


def content_of(
    session: Session, person: Person, *, now: datetime
) -> tuple[dict[str, Any] | None, datetime]:
    """Gather what would be kept, and until when; None where nothing was awarded."""
    programs: dict[str, dict[str, Any]] = {}

    def place(program: Program) -> dict[str, Any]:
        return programs.setdefault(
            program.id,
            {
                "program": program.name,
                "sponsor": program.sponsor.name,
                "courses": [],
                "capstone": [],
            },
        )

    years = GradingPlan().keep_transcript_years
    for completion in session.scalars(
        select(Completion)
        .where(Completion.person_id == person.id)
        .order_by(Completion.completed_on)
    ):
        place(_program_of(session, completion))["courses"].append(
            {"title": completion.course.title, "on": completion.completed_on.isoformat()}
        )
    for grade, cohort in session.execute(
        select(Grade, Cohort)
        .join(Submission, Submission.id == Grade.submission_id)
        .join(Cohort, Cohort.id == Submission.cohort_id)
        .where(Grade.person_id == person.id, in_force())
        .order_by(Grade.released_at)
    ):
        years = max(years, cohort.plan.keep_transcript_years)
        place(cohort.program)["capstone"].append(
            {
                "title": cohort.program.capstone_title,
                "on": local_day(grade.released_at, cohort.zone).isoformat(),
                "value": grade.value,
                "band": grade.band,
                "passed": grade.passed,
            }
        )
    last = now
    for record in session.scalars(
        select(CredentialRecord).where(CredentialRecord.person_id == person.id, is_current_record())
    ):
        if record.expires_on is not None:
            last = max(last, day_begins(record.expires_on, NO_ZONE))
    if not programs:
        return None, now
    content = {
        "name": identity_checks.present_name(session, person, now=now).name,
        "programs": list(programs.values()),
    }
    return content, _years_after(last, years)


def _program_of(session: Session, completion: Completion) -> Program:
    return session.get_one(Program, completion.course.program_id)


def _years_after(at: datetime, years: int) -> datetime:
    """Give the same day some years later; the end of February where there is none."""
    year = at.year + years
    return at.replace(year=year, day=min(at.day, monthrange(year, at.month)[1]))


def keep_transcript(session: Session, person: Person, *, now: datetime) -> KeptTranscript | None:
    """Keep the transcript of a person who is about to be erased."""
    content, until = content_of(session, person, now=now)
    if content is None:
        return None
    made = KeptTranscript(person_id=person.id, content=content, made_at=now, keep_until=until)
    audit.add(
        session, None, "transcript:keep", made, now=now, after={"keep_until": until.isoformat()}
    )
    return made


def read_transcript(
    session: Session,
    actor: Person | None,
    transcript: KeptTranscript,
    *,
    ground: str,
    now: datetime,
) -> dict[str, Any]:
    """Give what is kept, to whoever has a right in law to it; logged with the ground.

    Raises
    ------
    Refused
        No ground is given.
    """
    if not ground.strip():
        raise Refused("Say on what ground the transcript is read.")
    disclosures.log_disclosure(
        session,
        transcript.person_id,
        Disclosed.TRANSCRIPT,
        recipient=actor.name if actor else "operator",
        ground=Ground.LAW,
        by=actor,
        note=ground.strip(),
        now=now,
    )
    audit.record(session, actor, "transcript:read", transcript, now=now, reason=ground.strip())
    return transcript.content


def transcripts_of(session: Session, person_id: str) -> KeptTranscript:
    """Find what is kept of an erased person; raises `NotFound`."""
    found = session.scalar(select(KeptTranscript).where(KeptTranscript.person_id == person_id))
    if found is None:
        raise NotFound("Nothing is kept of this person.")
    return found


def end_transcript(session: Session, *, now: datetime) -> int:
    """Delete the transcripts whose period is over; gives how many."""
    over = session.scalars(select(KeptTranscript).where(KeptTranscript.keep_until <= now)).all()
    for transcript in over:
        audit.record(session, None, "transcript:end", transcript, now=now)
        session.flush()
        session.delete(transcript)
    return len(over)
