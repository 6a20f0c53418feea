"""The demo's first page: a door for each story and each role, entered with one click.

The doors exist in the demo alone, and for whoever sits at this machine.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_decimal, format_timedelta, ngettext
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from wtforms import HiddenField

from grading import migrations
from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import NotFound
from grading.measurement.scoring.combining import Resolution
from grading.models import (
    Allocation,
    Cohort,
    Membership,
    Person,
    Program,
    Sponsor,
    SponsorMember,
    Submission,
)
from grading.models.conditions import takes_part
from grading.office.queries import demo_doors
from grading.readings import holds
from grading.settings import LOOPBACK
from grading.web import access
from grading.web.access import requires
from grading.web.forms import Form
from grading.web.sign_in.common import entering, page_here
from grading.workflow.cohort import Role

bp = Blueprint("demo", __name__)


@dataclass(frozen=True)
class Door:
    """One way in: what will be found, and who one is there (None: nobody signed in) on which page."""

    text: str
    to: str
    person: Person | None = None
    label: str = ""
    # What they have open there; a hold that has ended since is taken up again on entering.
    item: Allocation | None = None


@dataclass(frozen=True)
class Group:
    """Doors under one heading."""

    title: str
    doors: list[Door]


class DoorForm(Form):
    person = HiddenField()
    next = HiddenField()
    item = HiddenField()


# For so long nothing that the doors tell of has passed by itself.
FRESH = timedelta(hours=2)
# What a proxy adds: whoever comes through one need not sit here.
FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")


def has_doors() -> bool:
    """Whether this is a demo, by its settings and by its database, and the browser is on this machine."""
    return (
        access.installation().settings.demo
        and request.remote_addr in LOOPBACK
        and urlsplit(request.host_url).hostname in LOOPBACK
        and not any(name in request.headers for name in FORWARDED)
        and migrations.is_demo(db.session().connection())
    )


def _only_here() -> None:
    if not has_doors():
        abort(404)


def _address_of(endpoint: str, instead: str, **values: Any) -> str:
    """The address of a page, or of another that every installation has."""
    known = endpoint in current_app.view_functions
    return url_for(endpoint if known else instead, **values)


def _number(value: float) -> str:
    return format_decimal(round(value, 1))


def _member(session: Session, cohort: Cohort, role: Role) -> Person | None:
    return session.scalar(
        select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            takes_part(role, cohort_id=cohort.id),
        )
        # The leads and instructors of the demo take turns; the second one has seen less.
        .order_by(Person.name.desc())
        .limit(1)
    )


def _learners(session: Session) -> Iterator[Door]:
    if told := demo_doors.narrow_pass(session):
        learner, cohort = told.grade.submission.learner, told.grade.submission.cohort
        yield Door(
            _(
                "%(name)s passes by %(above)s points: %(value)s at a pass mark of %(cut)s. The first "
                "reading alone came to %(first)s, so near the mark that a second was called; their mean "
                "decided.",
                name=learner.name,
                above=_number(told.above),
                value=told.grade.value,
                cut=_number(cohort.plan.cut),
                first=_number(told.first),
            ),
            url_for("learner.result", cohort_id=cohort.id),
            learner,
        )
    if appeal := demo_doors.upheld_appeal(session):
        assert appeal.amended is not None
        learner = appeal.submission.learner
        yield Door(
            _(
                "%(name)s’s appeal was upheld: %(before)s became %(after)s. The old value is kept, and "
                "the record was replaced.",
                name=learner.name,
                before=appeal.grade.value,
                after=appeal.amended.value,
            ),
            url_for("learner.result", cohort_id=appeal.cohort_id),
            learner,
        )
    if case := demo_doors.upheld_case(session):
        learner = case.submission.learner
        yield Door(
            _(
                "%(name)s’s record was revoked after a case that two people decided. The sheets stay.",
                name=learner.name,
            ),
            url_for("learner.result", cohort_id=case.cohort_id),
            learner,
        )


def _extension(session: Session) -> Iterator[Door]:
    told = demo_doors.late_with_extension(session)
    if told is None:
        return
    learner = told.work.learner
    yield Door(
        ngettext(
            "%(who)s handed in %(num)s day after the deadline, with an extension of %(granted)s days.",
            "%(who)s handed in %(num)s days after the deadline, with an extension of %(granted)s days.",
            told.days,
            who=learner.name,
            granted=told.granted,
        ),
        url_for("learner.cohort", cohort_id=told.work.cohort_id),
        learner,
    )
    if told.item is not None and told.item.rater is not None:
        yield Door(
            _(
                "The same project on %(grader)s’s bench is item %(code)s: no name, no lateness, no "
                "extension.",
                grader=told.item.rater.name,
                code=told.item.blind_code,
            ),
            url_for("rater.item_sheet", allocation_id=told.item.id),
            told.item.rater,
            item=told.item,
        )


def _graders(session: Session) -> Iterator[Door]:
    first = demo_doors.cohorts(session)[0]
    lead = _member(session, first, Role.LEAD)
    monitoring = _address_of("monitoring.overview", "instructor.agreement", cohort_id=first.id)
    if lead is not None and (strict := demo_doors.strictest(session, first)):
        said = _(
            "%(name)s is stricter than the other graders by %(by)s of a level, over %(n)s sheets.",
            name=strict.person.name,
            by=_number(strict.by),
            n=strict.sheets,
        )
        if first.plan.resolution == Resolution.SEVERITY:
            said += " " + _("The released scores are corrected for it.")
        yield Door(said, monitoring, lead)
    if lead is not None and (told := demo_doors.drifted(session)):
        yield Door(
            _(
                "%(name)s’s standard moved after check item %(checks)s. An alarm was raised, the queue "
                "paused; %(sheets)s sheets were set aside, %(again)s projects read again since.",
                name=told.quarantine.person.name,
                checks=told.checks,
                sheets=told.sheets,
                again=told.again,
            ),
            monitoring,
            lead,
        )


def _instructors(session: Session) -> Iterator[Door]:
    if told := demo_doors.apart(session, now=access.now()):
        yield Door(
            _(
                "Two readings lie %(levels)s levels apart on “%(criterion)s”. The third waits for "
                "you, one of %(waiting)s cases.",
                levels=_number(told.levels),
                criterion=told.criterion,
                waiting=told.waiting,
            ),
            url_for("instructor.case", case_id=told.case.id),
            told.reader,
        )
    if run := demo_doors.dry_run(session, now=access.now()):
        cohort, ready, hindered = run
        instructor = _member(session, cohort, Role.INSTRUCTOR)
        if instructor is not None:
            yield Door(
                _(
                    "A dry run of the release: %(ready)s results are ready, %(hindered)s are not, and "
                    "the page says why.",
                    ready=ready,
                    hindered=hindered,
                ),
                url_for("instructor.release", cohort_id=cohort.id),
                instructor,
            )


def _office(session: Session) -> Iterator[Door]:
    program = session.scalars(select(Program).limit(1)).one()
    office = session.scalar(
        select(Person)
        .join(SponsorMember, SponsorMember.person_id == Person.id)
        .join(Sponsor, Sponsor.id == SponsorMember.sponsor_id)
        .where(Sponsor.id == program.sponsor_id, SponsorMember.ended_at.is_(None))
        .order_by(SponsorMember.since)
        .limit(1)
    )
    newest = demo_doors.cohorts(session)[-1]
    if office is not None:
        yield Door(
            _("The program office: courses, task, rubric, cohorts, people, plan and imports."),
            url_for("admin.program", program_id=program.id),
            office,
        )
    if (coordinator := _member(session, newest, Role.COORDINATOR)) is not None:
        yield Door(
            _("The coordinator gives more time and sees no score before release."),
            url_for("coordinator.overview", cohort_id=newest.id),
            coordinator,
        )
    if (observer := _member(session, newest, Role.OBSERVER)) is not None:
        yield Door(
            _("An observer looks on: where each project stands, and the audit, but no score."),
            url_for("instructor.cohort", cohort_id=newest.id),
            observer,
        )
    administrator = session.scalar(
        select(Person).where(Person.administrator.is_(True)).order_by(Person.name).limit(1)
    )
    if administrator is not None:
        yield Door(
            _("The administrator: sponsors, accounts, jobs."), url_for("admin.home"), administrator
        )


def _writing(session: Session) -> Iterator[Door]:
    newest = demo_doors.cohorts(session)[-1]
    row = session.execute(
        select(Person)
        .join(Submission, Submission.learner_id == Person.id)
        .where(Submission.cohort_id == newest.id, Submission.state == "draft")
        .order_by(Person.name)
        .limit(1)
    ).first()
    handed_in = session.scalar(
        select(func.count())
        .select_from(Submission)
        .where(Submission.cohort_id == newest.id, Submission.submitted_at.is_not(None))
    )
    if row is not None:
        yield Door(
            _(
                "%(name)s is writing: a draft to go on with, check and submit. %(n)s of this cohort "
                "have handed in.",
                name=row[0].name,
                n=handed_in,
            ),
            url_for("learner.draft", cohort_id=newest.id),
            row[0],
        )


def _employer(session: Session) -> Iterator[Door]:
    words = {
        "valid": (_("A valid record, as an employer sees it."), _("Check the valid one")),
        "revoked": (
            _("A record that was revoked: the page says so and nothing more."),
            _("Check the revoked one"),
        ),
        "replaced": (
            _("A record that was replaced, by the one with the amended result."),
            _("Check the replaced one"),
        ),
    }
    for state, public_id in demo_doors.links(session).items():
        text, label = words[state]
        yield Door(text, url_for("public.record", public_id=public_id), label=label)


def _groups(session: Session) -> list[Group]:
    groups = [
        Group(_("Results, an appeal and a case"), list(_learners(session))),
        Group(_("More time, unseen by those who score"), list(_extension(session))),
        Group(_("Graders who differ"), list(_graders(session))),
        Group(_("What waits for an instructor"), list(_instructors(session))),
        Group(_("An employer checks"), list(_employer(session))),
        Group(_("Writing"), list(_writing(session))),
        Group(_("Running the program"), list(_office(session))),
    ]
    return [group for group in groups if group.doors]


@bp.get("/demo")
@requires(Permission.SIGNED_OUT)
def doors() -> ResponseReturnValue:
    _only_here()
    session = db.session()
    if not demo_doors.cohorts(session):
        abort(404)
    people: dict[str, dict[str, list[Person]]] = {}
    rows = session.execute(
        select(Cohort.name, Membership.role, Person)
        .join(Membership, Membership.cohort_id == Cohort.id)
        .join(Person, Person.id == Membership.person_id)
        .where(takes_part())
        .order_by(Cohort.opens_at, Membership.role, Person.name)
    )
    for cohort, role, person in rows:
        people.setdefault(cohort, {}).setdefault(role, []).append(person)
    made_at = migrations.demo_made_at(session.connection())
    age = access.now() - made_at if made_at else timedelta(0)
    return render_template(
        "sign_in/doors.html",
        groups=_groups(session),
        people=people,
        age=format_timedelta(age) if age > FRESH else "",
    )


@bp.post("/demo/enter")
@requires(Permission.SIGNED_OUT)
def enter() -> ResponseReturnValue:
    _only_here()
    form = DoorForm()
    with transaction() as session:
        person = session.get(Person, form.person.data)
        if person is None:
            raise NotFound("There is no such page.")
        enter_as = entering(session, person)
        item = session.get(Allocation, form.item.data) if form.item.data else None
        if item is not None:
            holds.reclaim(session, person, item, now=access.now())
    enter_as()
    return redirect(page_here(form.next.data), 303)
