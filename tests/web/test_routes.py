"""Who reaches which page: every route has a row, and a new one without a row fails.

A row says which parts of a cohort may open the page; everybody else is told that there is no such page,
and whoever is signed out is led to sign in.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.adapters import signing
from grading.cohorts import conflicts, extensions
from grading.disputes import appeals, decisions, explanations, misconduct
from grading.jobs import upkeep
from grading.models import (
    Alarm,
    Allocation,
    CalibrationAttempt,
    CredentialRecord,
    Discrepancy,
    Grade,
    IssuedCredential,
    Job,
    Membership,
    Submission,
)
from grading.office import erasure_requests, exporting, imports
from grading.people import sponsors
from grading.readings import absences, anchors, holds, monitoring, reviews
from grading.records import (
    credentials,
    drafts,
    entitlements,
    partners,
    revocations,
    sharing,
)
from grading.releases import releases
from grading.scores import quarantines
from grading.workflow.allocation import Pool
from grading.workflow.calendar import ExtensionKind
from grading.workflow.cohort import ImportKind
from grading.workflow.credential import EntitlementState
from tests import factories
from tests.database import NOW, Clock

EVERYBODY = {
    "nobody", "stranger", "learner", "grader", "instructor", "lead", "coordinator", "observer",
    "administrator", "office", "other_office",
}  # fmt: skip
SIGNED_IN = EVERYBODY - {"nobody"}
SETS_UP = {"administrator", "office", "coordinator", "instructor"}
# Whoever runs the program of the test's cohort; "other_office" is another sponsor's.
RUNS = {"administrator", "office"}
SERVICE = {"administrator"}
READS = {"instructor", "lead", "coordinator", "observer"}
SCORES = {"instructor", "lead"}
# Who leads calibration and monitoring.
LEADS = {"instructor", "lead"}

# GET routes: endpoint to the parts that may open the page for the records of the test's cohort.
PAGES: dict[str, set[str]] = {
    "sign_in.home": EVERYBODY,
    "sign_in.form": EVERYBODY,
    "sign_in.forgot": EVERYBODY,
    "sign_in.reset": EVERYBODY,
    "sign_in.preferences": SIGNED_IN,
    "passkeys.page": SIGNED_IN,
    # Only for whoever began it.
    "passkeys.make": set(),
    "demo.doors": set(),
    # Nobody's where no provider is configured.
    "openid.begin": set(),
    "openid.back": set(),
    "public.verify": EVERYBODY,
    "public.verify_many": EVERYBODY,
    "public.record": EVERYBODY,
    "public.shared_document": EVERYBODY,
    "public.shared_token": EVERYBODY,
    "public.out": EVERYBODY,
    "public.health": EVERYBODY,
    "public.help_page": EVERYBODY,
    "public.accessibility": EVERYBODY,
    "public.privacy": EVERYBODY,
    "issued.did_document": EVERYBODY,
    "issued.jwks": EVERYBODY,
    "issued.status_list": EVERYBODY,
    "issued.credential": EVERYBODY,
    "issued.document": EVERYBODY,
    "issued.token": EVERYBODY,
    "issued.achievement": EVERYBODY,
    "credentials.document": {"learner"},
    "credentials.token": {"learner"},
    "credentials.certificate": {"learner"},
    "credentials.table": {"learner"},
    "learner.home": SIGNED_IN,
    "learner.cohort": {"learner"},
    "learner.brief": {"learner"},
    "learner.draft": {"learner"},
    "learner.own_file": set(),
    "learner.check": {"learner"},
    "learner.receipt": {"learner"},
    "learner.withdraw": {"learner"},
    "learner.result": {"learner"},
    "learner.result_csv": {"learner"},
    "learner.record": {"learner"},
    "questions.ask": {"learner"},
    "questions.hearing": {"learner"},
    "answers.appeal": {"grader"},
    "answers.siblings": {"grader"},
    "answers.question": {"grader"},
    "answers.item_report": {"grader"},
    "answers.review_report": {"learner"},
    "absence.away": {"grader"},
    "privacy.overview": SIGNED_IN,
    "privacy.download": {"learner"},
    "privacy.log": SIGNED_IN,
    "privacy.log_csv": SIGNED_IN,
    "partners.page": {"learner"},
    "partners.offer": {"learner"},
    "records.program": {"learner"},
    "records.as_csv": {"learner"},
    "records.as_json": {"learner"},
    "group.page": {"learner"},
    # Nothing was handed in for a group there.
    "group.object_to": set(),
    "groups.page": SETS_UP,
    "points.page": set(),
    "rater.home": SIGNED_IN,
    "rater.item_sheet": {"grader"},
    "rater.item_finished": {"grader"},
    "rater.item_decline_page": {"grader"},
    "rater.item_file": set(),
    "rater.review_sheet": {"learner"},
    "rater.review_finished": {"learner"},
    "rater.review_decline_page": {"learner"},
    "rater.review_file": set(),
    "training.grader_overview": {"grader", "instructor", "lead"},
    "training.grader_result": {"grader"},
    "training.peer_overview": {"learner"},
    "training.peer_result": {"learner"},
    "training.consistency": {"grader", "instructor", "lead"},
    "calibration.examples": LEADS,
    "calibration.example": LEADS,
    "calibration.file": set(),
    "calibration.standings": LEADS,
    "calibration.clear": LEADS,
    "monitoring.overview": LEADS,
    "monitoring.grader": LEADS,
    "monitoring.sheets": LEADS,
    "monitoring.set_aside": LEADS,
    "monitoring.aside": LEADS,
    "routing.board": LEADS,
    "instructor.home": SIGNED_IN,
    "instructor.cohort": READS,
    "instructor.submission": READS,
    "statistics.agreement": SCORES,
    "statistics.agreement_csv": SCORES,
    "statistics.severity": SCORES,
    "statistics.severity_csv": SCORES,
    "instructor.disputed": SCORES,
    "instructor.case": SCORES,
    "instructor.struck": SCORES,
    "misconduct.cases": {"instructor"},
    "misconduct.case": {"instructor"},
    "misconduct.suspect": SCORES,
    "identity.queue": {"coordinator"},
    "identity.person": {"coordinator"},
    "coordinator.overview": {"coordinator"},
    "coordinator.learner": {"coordinator"},
    "coordinator.absences": SETS_UP,
    "instructor.release": {"instructor"},
    "approving.page": {"instructor"},
    "instructor.audit": {"instructor", "lead", "observer"},
    "public.logo": EVERYBODY,
    "admin.home": RUNS | {"other_office"},
    "admin.new_sponsor": SERVICE,
    "admin.sponsor": RUNS,
    "admin.new_program": RUNS,
    "admin.program": RUNS,
    "admin.about": RUNS,
    "admin.courses": RUNS,
    "admin.brief": RUNS,
    "admin.brief_version": RUNS,
    "admin.add_rubric": RUNS,
    "admin.rubric": RUNS,
    "admin.import_to_program": RUNS,
    "admin.program_batch": RUNS,
    "admin.entitlements_list": RUNS,
    "admin.entitlement": RUNS,
    "admin.new_cohort": RUNS,
    "funnel.cohort": SETS_UP,
    "funnel.cohort_csv": SETS_UP,
    "funnel.program": SETS_UP,
    "funnel.program_csv": SETS_UP,
    "admin.cohort": SETS_UP,
    "admin.settings": SETS_UP,
    "admin.calendar": SETS_UP,
    "admin.plan": SETS_UP,
    "admin.members": SETS_UP,
    "admin.end_member": SETS_UP,
    "admin.conflicts": SETS_UP,
    "admin.import_to_cohort": SETS_UP,
    "admin.cohort_batch": SETS_UP,
    "admin.open_cohort": SETS_UP,
    "admin.end_cohort": SETS_UP,
    "admin.accounts": SERVICE,
    "admin.account": SERVICE,
    "admin.jobs": SERVICE,
    "admin.erasures": SERVICE,
    "admin.account_privacy": SERVICE,
    "admin.erase": SERVICE,
    "admin.export_file": SERVICE,
    "admin.periods": SERVICE,
    "admin.sponsor_partners": SERVICE,
}

# POST and PUT routes; each is tried without a body, and must refuse whoever is not named before it looks.
ACTS: dict[str, set[str]] = {
    "sign_in.form": EVERYBODY,
    "sign_in.sign_out": EVERYBODY,
    "sign_in.sign_out_everywhere": SIGNED_IN,
    "sign_in.forgot": EVERYBODY,
    "sign_in.reset": EVERYBODY,
    "demo.enter": set(),
    "sign_in.preferences": SIGNED_IN,
    "passkeys.begin": SIGNED_IN,
    "passkeys.make": set(),
    "passkeys.remove": set(),
    "learner.start": {"learner"},
    "learner.save": {"learner"},
    "learner.upload": {"learner"},
    "learner.remove_file": set(),
    "learner.restore_file": set(),
    "learner.submit": {"learner"},
    "learner.take_back": {"learner"},
    "learner.example": {"learner"},
    "learner.withdraw": {"learner"},
    "learner.share": {"learner"},
    "questions.explain": {"learner"},
    "questions.appeal": {"learner"},
    "questions.withdraw_appeal": {"learner"},
    "questions.withdraw_question": {"learner"},
    "questions.hearing": {"learner"},
    "questions.retake": {"learner"},
    "questions.come_back": {"learner"},
    "answers.strike": {"grader"},
    "answers.decide": {"grader"},
    "answers.question": {"grader"},
    "answers.item_report": {"grader"},
    "answers.review_report": {"learner"},
    "absence.declare": {"grader"},
    "absence.end": {"grader"},
    "privacy.ask_export": SIGNED_IN,
    "privacy.ask_erasure": SIGNED_IN,
    "partners.send": {"learner"},
    "partners.withdraw": {"learner"},
    "records.start": {"learner"},
    "records.make_link": {"learner"},
    "records.preview": {"learner"},
    "records.withdraw_link": {"learner"},
    "public.verify_many": EVERYBODY,
    "credentials.publish": {"learner"},
    "learner.issue_anew": {"learner"},
    "group.invite": {"learner"},
    "group.join": {"learner"},
    "group.answer": set(),
    "group.call_off": {"learner"},
    "group.leave": {"learner"},
    "group.object_to": {"learner"},
    "group.withdraw_objection": set(),
    "groups.form": SETS_UP,
    "groups.place": SETS_UP,
    "groups.take_out": SETS_UP,
    "groups.decide": SETS_UP,
    "points.page": {"instructor"},
    "training.grader_start": {"grader", "instructor", "lead"},
    "training.grader_hand_in": {"grader"},
    "training.grader_end": {"grader"},
    "training.peer_start": {"learner"},
    "training.peer_hand_in": {"learner"},
    "training.peer_end": {"learner"},
    "calibration.find_range": LEADS,
    "calibration.propose": LEADS,
    "calibration.mark": LEADS,
    "calibration.agree": LEADS,
    "calibration.withdraw": LEADS,
    "calibration.clear": LEADS,
    "monitoring.answer": LEADS,
    "monitoring.pause": LEADS,
    "monitoring.resume": LEADS,
    "monitoring.impose": LEADS,
    "monitoring.lift": LEADS,
    "rater.next_item": {"grader", "instructor", "lead"},
    "rater.item_save": {"grader"},
    "rater.item_draft": {"grader"},
    "rater.item_undo": {"grader"},
    "rater.item_reclaim": {"grader"},
    "rater.item_decline": {"grader"},
    "rater.review_save": {"learner"},
    "rater.review_draft": {"learner"},
    "rater.review_undo": {"learner"},
    "rater.review_reclaim": {"learner"},
    "rater.review_decline": {"learner"},
    "instructor.show_scores": SCORES,
    "instructor.take_case": SCORES,
    "instructor.take_appeal": SCORES,
    "instructor.unblind_appeal": SCORES,
    "misconduct.suspect": SCORES,
    "misconduct.add_evidence": {"instructor"},
    "misconduct.hear": {"instructor"},
    "misconduct.propose": {"instructor"},
    "misconduct.second": {"instructor"},
    "identity.check": {"coordinator"},
    "identity.rename": {"coordinator"},
    "coordinator.grant": {"coordinator"},
    "coordinator.end": {"coordinator"},
    "coordinator.declare": SETS_UP,
    "coordinator.end_absence": SETS_UP,
    "instructor.propose": {"instructor"},
    "instructor.adjust": {"instructor"},
    "statistics.compute": SCORES,
    "instructor.sign": {"instructor"},
    "instructor.stop": {"instructor"},
    "approving.give": {"instructor"},
    "instructor.revoke": {"instructor"},
    "admin.new_sponsor": SERVICE,
    "admin.sponsor": RUNS,
    "admin.logo": RUNS,
    "admin.add_sponsor_member": SERVICE,
    "admin.end_sponsor_member": SERVICE,
    "admin.new_program": RUNS,
    "admin.about": RUNS,
    "admin.courses": RUNS,
    "admin.brief": RUNS,
    "admin.add_rubric": RUNS,
    "admin.publish_rubric": RUNS,
    "admin.record_completion": RUNS,
    "admin.import_to_program": RUNS,
    "admin.undo_program_batch": RUNS,
    "admin.grant_entitlement": RUNS,
    "admin.entitlement": RUNS,
    "admin.new_cohort": RUNS,
    "admin.settings": SETS_UP,
    "admin.calendar": SETS_UP,
    "admin.plan": SETS_UP,
    "admin.open_cohort": SETS_UP,
    "admin.end_cohort": SETS_UP,
    "admin.import_to_cohort": SETS_UP,
    "admin.undo_cohort_batch": SETS_UP,
    "admin.add_member": SETS_UP,
    "admin.end_member": SETS_UP,
    "admin.declare_conflict": SETS_UP,
    "admin.withdraw_conflict": SETS_UP,
    "admin.add_account": SERVICE,
    "admin.account": SERVICE,
    "admin.retry_job": SERVICE,
    "admin.account_privacy": SERVICE,
    "admin.erase": SERVICE,
    "admin.sponsor_partners": SERVICE,
    "admin.end_partner": SERVICE,
}


@pytest.fixture
def world(
    app: Flask, act: Callable[[], Any], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """A cohort with an open item, a finished peer review, an open case and a released result.

    The result is appealed, read again by the grader of the open item, and waits for the decision, a first
    reading struck; a question about it waits for the same grader. A suspicion about it was put to the
    learner. The learner has an extension, and the grader goes away later.
    """
    # Making a large key takes a second.
    monkeypatch.setattr(signing, "RSA_BITS", 2048)
    app.extensions["grading"].files.put("a-logo", [b"\x89PNG\r\n\x1a\n"], limit=100)
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=4, graders=4, group_size=3)
        cohort_id = cast.cohort.id
        due = cast.cohort.due_at
        people = {
            "stranger": cast.stranger.id,
            "instructor": cast.instructor.id,
            "lead": cast.lead.id,
            "coordinator": cast.coordinator.id,
            "observer": cast.observer.id,
            "administrator": cast.administrator.id,
        }
        kept = set_up_records(session, cast)
        people |= kept.pop("people")
    clock.now = due
    upkeep.run(app, cohort_id, now=due, seed=3)
    with act() as session:
        works = sorted({item.submission_id for item in session.scalars(select(Allocation))})
        for item in session.scalars(select(Allocation)).all():
            if item.submission_id == works[2] and item.pool == Pool.PROFESSIONAL:
                continue
            apart = item.submission_id == works[1] and item.pool == Pool.PEER
            factories.rate(
                session, item, {"question": 0 if apart else 3, "method": 0 if apart else 3}, now=due
            )
    upkeep.run(app, cohort_id, now=clock.forward(minutes=11))
    with act() as session:
        instructor = session.get_one(factories.Person, people["instructor"])
        found = session.get_one(factories.Cohort, cohort_id)
        release = releases.propose(
            session, instructor, found, overrides={}, failed_gates=[], now=clock.now
        )
        release_id = release.id
        releases.carry_out(session, release, now=clock.forward(minutes=11))
    with act() as session:
        found = session.get_one(factories.Cohort, cohort_id)
        grade = session.scalars(select(Grade)).first()
        assert grade is not None
        item = session.scalars(
            select(Allocation).where(
                Allocation.submission_id == works[2], Allocation.pool == Pool.PROFESSIONAL
            )
        ).one()
        review = session.scalars(
            select(Allocation).where(
                Allocation.pool == Pool.PEER,
                Allocation.rater_id == grade.submission.learner_id,
            )
        ).first()
        assert review is not None
        case = session.scalars(select(Discrepancy)).one()
        people |= {"learner": grade.submission.learner_id, "grader": str(item.rater_id)}
        own = session.scalars(
            select(CredentialRecord).where(CredentialRecord.person_id == grade.person_id)
        ).one()
        given = credential_of(app, session, own, clock.now)
        given |= privacy_of(app, session, own, people, kept["late_id"], clock.now)
        disputes = disputed(session, people, grade.submission, clock)
        looked_after = look_after(session, people, session.get_one(Submission, works[0]), clock)
        challenge = revocations.lay_revocation_before(
            session,
            session.get_one(factories.Person, people["instructor"]),
            own,
            found,
            reason="Somebody else's work.",
            now=clock.now,
        )
        link = sharing.make_link(session, own.person, own, label="Example Ltd", now=clock.now)
        return {
            "people": people,
            "values": given
            | {
                "cohort_id": cohort_id,
                "program_id": found.program_id,
                "rubric_id": found.rubric_version_id,
                "submission_id": grade.submission_id,
                "case_id": case.id,
                "discrepancy_id": case.id,
                "release_id": release_id,
                "record_id": own.id,
                "public_id": own.public_id,
                **disputes,
                **looked_after,
                "link_id": link.id,
                "challenge_id": challenge.id,
                "passkey_id": "none",
                "membership_id": "none",
                "person_id": people["learner"],
                "invitation_id": "none",
                "reply": "accept",
                "own_objection_id": "none",
                "objection_id": "none",
                "file_id": "none",
                "number": 1,
                "token": "none",
            }
            | kept,
            "item": item.id,
            "review": review.id,
        }


def disputed(
    session: Session, people: dict[str, str], work: Submission, clock: Clock
) -> dict[str, str]:
    """Let everything happen to a released result that can; give the ids of the records."""
    person = {part: session.get_one(factories.Person, key) for part, key in people.items()}
    cohort = work.cohort
    granted = extensions.grant(
        session,
        person["coordinator"],
        cohort,
        person["learner"],
        kind=ExtensionKind.EXTENSION,
        days=3,
        reason="Ill for a week.",
        now=clock.now,
    )
    away = absences.declare_absence(
        session,
        person["grader"],
        cohort,
        person["grader"],
        starts_at=clock.now + timedelta(days=30),
        ends_at=clock.now + timedelta(days=33),
        cover=None,
        now=clock.now,
    )
    appealed = clock.forward(hours=25)
    appeal = appeals.lodge_appeal(
        session,
        person["learner"],
        work,
        criteria=["method"],
        reason="The second table was overlooked.",
        now=appealed,
    )
    assert appeal.allocation is not None
    item = holds.claim_case(session, person["grader"], appeal.allocation, now=appealed)
    factories.rate(session, item, {"question": 3, "method": 3}, now=appealed)
    reviews.seal(session, item, now=clock.forward(minutes=11))
    appeals.note_remark(session, appeal, now=clock.now)
    reading = session.scalars(
        select(Allocation).where(
            Allocation.submission_id == work.id,
            Allocation.pool == Pool.PROFESSIONAL,
            Allocation.id != item.id,
        )
    ).one()
    decisions.strike_reading(
        session,
        person["grader"],
        appeal,
        reading,
        fault="Another project was read.",
        criteria=["method"],
        now=clock.now,
    )
    question = explanations.request_explanation(
        session,
        person["learner"],
        work,
        appeal.grade,
        criteria=["question"],
        question="What would the next level look like?",
        now=clock.now,
    )
    question.owner = person["grader"]
    case = misconduct.report_suspicion(
        session,
        person["grader"],
        work,
        kind="copying",
        text="A page stands in a book as well.",
        source="A book",
        now=clock.now,
    )
    misconduct.put_to_learner(
        session,
        person["instructor"],
        case,
        allegation="A page of it stands in a book as well.",
        now=clock.now,
    )
    session.flush()
    return {
        "appeal_id": appeal.id,
        "own_appeal_id": appeal.id,
        "reading_id": reading.id,
        "question_id": question.id,
        "own_question_id": question.id,
        "suspicion_id": case.id,
        "extension_id": granted.id,
        "absence_id": away.id,
        "own_absence_id": away.id,
    }


def look_after(
    session: Session, people: dict[str, str], work: Submission, clock: Clock
) -> dict[str, str]:
    """An example to mark, tries of grader and learner, an alarm, a pause and what is set aside."""
    lead = session.get_one(factories.Person, people["lead"])
    grader = session.get_one(factories.Person, people["grader"])
    cohort = work.cohort
    anchors.consent(session, work.learner, work, given=True, now=clock.now)
    anchor = anchors.propose(session, lead, work, now=clock.now)
    tries = {
        part: CalibrationAttempt(
            cohort_id=cohort.id,
            person_id=people[part],
            kind="practice",
            number=1,
            state="ended",
            started_at=clock.now,
            ended_at=clock.now,
        )
        for part in ("grader", "learner")
    }
    item = session.scalars(
        select(Allocation).where(
            Allocation.rater_id == grader.id, Allocation.finished_at.is_not(None)
        )
    ).first()
    assert item is not None
    alarm = Alarm(
        cohort_id=cohort.id,
        person_id=grader.id,
        chart="drift",
        allocation_id=item.id,
        since_id=item.id,
        detail={"side": "milder", "shift": 0.6, "sheet": 40, "since": 31, "limit": 5.0},
        found_at=clock.now,
    )
    session.add_all([*tries.values(), alarm])
    paused = monitoring.pause(session, lead, cohort, grader, reason="A look first.", now=clock.now)
    aside, _effect = quarantines.impose(
        session,
        lead,
        cohort,
        grader,
        criterion="method",
        since=cohort.opens_at,
        reason="The standard moved.",
        now=clock.now,
    )
    session.flush()
    return {
        "anchor_id": anchor.id,
        "attempt_id": tries["grader"].id,
        "peer_attempt_id": tries["learner"].id,
        "alarm_id": alarm.id,
        "pause_id": paused.id,
        "quarantine_id": aside.id,
        "grader_id": grader.id,
    }


def set_up_records(session: Any, cast: factories.Cast) -> dict[str, Any]:
    """What the set-up pages show: both offices, an import of each place, an entitlement, a conflict."""
    program = cast.cohort.program
    sponsors.set_logo(session, None, program.sponsor, key="a-logo", kind="png", now=NOW)
    other = sponsors.create_sponsor(session, None, name="Another College", now=NOW)
    members = {
        name: sponsors.add_member(
            session, None, owner, email=f"{name}@example.org", name=name.title(), now=NOW
        )
        for name, owner in (("office", program.sponsor), ("other_office", other))
    }
    _, roster = imports.carry_out(
        session,
        None,
        ImportKind.ROSTER,
        cast.cohort,
        b"email,name,role\nlate@example.org,Late,learner\n",
        now=NOW,
    )
    _, completions = imports.carry_out(
        session,
        None,
        ImportKind.COMPLETIONS,
        program,
        b"email,course,completed_on,identity_assurance\n"
        b"late@example.org,measuring,2026-06-01,proctored\n",
        now=NOW,
    )
    assert roster is not None
    assert completions is not None
    late = session.scalars(
        select(factories.Person).where(factories.Person.email == "late@example.org")
    ).one()
    granted = entitlements.grant_entitlement(
        session, None, program, late, None, EntitlementState.PAID, now=NOW
    )
    conflict = conflicts.declare_conflict(
        session, None, cast.cohort, rater=cast.graders[0], learner=late, reason="Kin", now=NOW
    )
    part = session.scalars(select(Membership).where(Membership.person_id == late.id)).one()
    job = session.scalars(select(Job)).first()
    assert job is not None
    return {
        "people": {name: member.person_id for name, member in members.items()},
        "sponsor_id": program.sponsor_id,
        "member_id": members["office"].id,
        "membership_id": part.id,
        "conflict_id": conflict.id,
        "entitlement_id": granted.id,
        "late_id": late.id,
        "job_id": job.id,
        "version": 1,
        "batches": {"cohort": roster.id, "program": completions.id},
    }


def credential_of(app: Flask, session: Any, record: CredentialRecord, now: Any) -> dict[str, Any]:
    """Issue the capstone's credential, publish it, and sign its status list."""
    notary = app.extensions["grading"].notary
    given = {"notary": notary, "base_url": "http://127.0.0.1:8000", "now": now}
    draft = drafts.draft_missing(session, record.program_id, record.person_id, **given)[-1]
    credentials.keep_signed(session, draft, credentials.sign_draft(draft, notary), now=now)
    found = session.get_one(IssuedCredential, draft.columns["id"])
    credentials.set_published(session, record.person, found, published=True, now=now)
    unsigned = credentials.unsigned_list(session, found.status_list_id, **given)
    signed = credentials.sign_list(unsigned, notary, now=now)
    credentials.keep_list(session, found.status_list_id, signed, now=now)
    return {
        "credential_id": found.id,
        "sponsor_id": record.program.sponsor_id,
        "achievement_id": found.achievement.rpartition("/")[2],
    }


def privacy_of(
    app: Flask,
    session: Any,
    record: CredentialRecord,
    people: dict[str, str],
    late_id: str,
    now: Any,
) -> dict[str, Any]:
    """Exports that are ready, an erasure after its first step, a partner and a consent."""
    admin = session.get_one(factories.Person, people["administrator"])
    learner = record.person
    made = {}
    for who, ground in ((learner, ""), (admin, "A letter")):
        export = exporting.request_export(session, who, learner, ground=ground, now=now)
        stored = app.extensions["grading"].files.put(f"x/{export.id}", [b"PK"], limit=9)
        exporting.keep_export(session, export, f"x/{export.id}", stored, now=now)
        made[who.id] = export.id
    partner = partners.make_partner(
        session,
        admin,
        record.program.sponsor,
        name="Example Ltd",
        kind="mail",
        address="people@example.com",
        gets="capstone",
        pathway="Counts towards a course.",
        gateway=app.extensions["grading"].partners,
        now=now,
    )
    offer = partners.offer_of(session, record, partner)
    sending = partners.send_record(session, learner, record, partner, digest=offer.digest, now=now)
    late = session.get_one(factories.Person, late_id)
    return {
        "export_id": made[learner.id],
        "admins_export_id": made[admin.id],
        "request_id": erasure_requests.prepare_erasure(session, admin, late, now=now).id,
        "partner_id": partner.id,
        "consent_id": sending.consent_id,
    }


def address(app: Flask, world: dict[str, Any], endpoint: str) -> str:
    values = dict(world["values"])
    name = endpoint.split(".")[1]
    place = "cohort" if "cohort" in name else "program"
    values["batch_id"] = values["batches"][place]
    values["kind"] = "roster" if place == "cohort" else "entitlements"
    looked_after = endpoint.startswith(("monitoring.", "calibration.clear"))
    values["person_id"] = values["grader_id"] if looked_after else world["people"]["learner"]
    if name == "export_file":
        values["export_id"] = values["admins_export_id"]
    if name == "account":
        values["person_id"] = values["late_id"]
    if name.startswith("peer_"):
        values["attempt_id"] = values["peer_attempt_id"]
    values["allocation_id"] = world["review"] if name.startswith("review_") else world["item"]
    rule = next(rule for rule in app.url_map.iter_rules(endpoint))
    with app.test_request_context():
        return app.url_for(endpoint, **{key: values[key] for key in rule.arguments})


def routes(app: Flask, *methods: str) -> set[str]:
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.methods and rule.methods & set(methods) and rule.endpoint != "static"
    }


def test_every_route_has_a_row(app: Flask) -> None:
    assert routes(app, "GET") == set(PAGES)
    assert routes(app, "POST", "PUT", "DELETE", "PATCH") == set(ACTS)


# Of an installation that asks for them: there is no such page here.
NOT_SET_UP = ("demo.doors", "openid.begin", "openid.back")


def client_of(app: Flask, world: dict[str, Any], sign_in: Any, part: str) -> FlaskClient:
    if part == "nobody":
        return app.test_client()
    client: FlaskClient = sign_in(world["people"][part])
    return client


@pytest.mark.slow
def test_pages(app: Flask, world: dict[str, Any], sign_in: Any) -> None:
    wrong = {}
    clients = {part: client_of(app, world, sign_in, part) for part in EVERYBODY}
    for part, (endpoint, parts) in product(sorted(EVERYBODY), PAGES.items()):
        status = clients[part].get(address(app, world, endpoint)).status_code
        if part in parts:
            bare = endpoint.startswith("public.shared_") or endpoint in (
                "public.record", "public.out",
            )  # fmt: skip
            expected = {200, 302, 410} | ({404} if bare else set())
        elif part == "nobody":
            expected = {302} | ({404} if endpoint in NOT_SET_UP else set())
        else:
            expected = {404}
        if status not in expected:
            wrong[part, endpoint] = status
    assert wrong == {}


@pytest.mark.slow
def test_acts_refuse_whoever_may_not(app: Flask, world: dict[str, Any], sign_in: Any) -> None:
    wrong = {}
    clients = {part: client_of(app, world, sign_in, part) for part in EVERYBODY}
    for part, (endpoint, parts) in product(sorted(EVERYBODY), ACTS.items()):
        if part in parts:
            continue
        put = endpoint.endswith("_draft")
        status = (
            clients[part]
            .open(
                address(app, world, endpoint),
                method="PUT" if put else "POST",
                json={} if put else None,
            )
            .status_code
        )
        expected = {302, 401, 404} if part == "nobody" else {404}
        if status not in expected:
            wrong[part, endpoint] = status
    assert wrong == {}


def test_a_page_that_forgets_to_ask_is_an_error_not_a_leak(
    app: Flask, world: Any, sign_in: Any
) -> None:
    from grading.authorization.permissions import Permission
    from grading.web.access import requires

    app.view_functions["learner.brief"] = requires(Permission.SUBMISSION_WRITE)(
        lambda cohort_id: "a secret"
    )
    app.testing = False
    answer = sign_in(world["people"]["stranger"]).get(address(app, world, "learner.brief"))
    assert answer.status_code == 500
    assert b"a secret" not in answer.data
