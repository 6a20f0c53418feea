"""How records look: labels and kinds keyed by enum, times in the reader's zone, Jinja's globals."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from math import isnan
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from flask import Flask, g, request, url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import literal, select

from grading.db import db
from grading.models import JobState, Membership, Person, SponsorMember
from grading.records.checking import Outcome
from grading.web import access
from grading.web.markdown import render as markdown
from grading.web.need_words import COMING_WORDS, NEED_WORDS
from grading.workflow.allocation import AllocationState as A
from grading.workflow.allocation import DeclineReason as D
from grading.workflow.calendar import ExtensionKind
from grading.workflow.calibration import (
    AnchorState,
    AnchorUse,
    AttemptKind,
    AttemptState,
    StandingState,
)
from grading.workflow.cohort import CohortState, ImportKind, Role
from grading.workflow.credential import (
    DocumentKind,
    EntitlementState,
    IdentityAssurance,
    PublicStatus,
)
from grading.workflow.misconduct import MisconductKind, MisconductState
from grading.workflow.monitoring import AlarmState, QuarantineState
from grading.workflow.release import Hindrance, ReleaseState
from grading.workflow.staffing import Severity
from grading.workflow.submission import SubmissionState as S

# (words, kind of tag); kinds are those of the style sheet.
Tag = tuple[Any, str]

SUBMISSION_TAGS: dict[str, Tag] = {
    S.DRAFT: (_l("Draft"), "draft"),
    S.CONTESTABLE: (_l("Submitted"), "plain"),
    S.CONTESTED: (_l("Submitted"), "plain"),
    S.SUBMITTED: (_l("Submitted"), "plain"),
    S.BEGUN: (_l("Being graded"), "info"),
    S.DISCREPANT: (_l("Being graded"), "info"),
    S.RESOLVED: (_l("Being graded"), "info"),
    S.RELEASED: (_l("Result ready"), "ok"),
    S.WITHDRAWN: (_l("Withdrawn"), "grey"),
    S.WITHHELD: (_l("Held back"), "danger"),
    S.ANCHOR: (_l("Example"), "draft"),
}
# What staff see; learners are never told these apart before release.
STAFF_SUBMISSION_TAGS: dict[str, Tag] = SUBMISSION_TAGS | {
    # That it is a group's is nobody's business who may come to read it.
    S.CONTESTABLE: (_l("Submitted, not given out yet"), "plain"),
    S.CONTESTED: (_l("Submitted, waits for the office"), "plain"),
    S.DISCREPANT: (_l("Scores too far apart"), "warn"),
    S.RESOLVED: (_l("Graded, not released"), "info"),
    S.RELEASED: (_l("Released"), "ok"),
}
ITEM_TAGS: dict[str, Tag] = {
    A.OPEN: (_l("Open"), "plain"),
    A.ALLOCATED: (_l("Not yet started"), "plain"),
    A.BEGUN: (_l("In progress"), "info"),
    A.FINISHED: (_l("Finished, can change"), "info"),
    A.SEALED: (_l("Locked"), "plain"),
    A.DECLINED: (_l("Handed back"), "grey"),
    A.LAPSED: (_l("Hold ended"), "warn"),
    A.CANCELLED: (_l("Taken back"), "grey"),
}
RELEASE_TAGS: dict[str, Tag] = {
    ReleaseState.PROPOSED: (_l("Waiting for sign-off"), "warn"),
    ReleaseState.SCHEDULED: (_l("Scheduled"), "info"),
    ReleaseState.RELEASED: (_l("Released"), "ok"),
    ReleaseState.STOPPED: (_l("Stopped"), "grey"),
    ReleaseState.VOID: (_l("Void"), "warn"),
}
COHORT_TAGS: dict[str, Tag] = {
    CohortState.PREPARING: (_l("Preparing"), "draft"),
    CohortState.OPEN: (_l("Open"), "ok"),
    CohortState.ENDED: (_l("Ended"), "grey"),
}
ROLE_LABELS: dict[str, Any] = {
    Role.LEARNER: _l("Learner"),
    Role.PEER: _l("Peer"),
    Role.GRADER: _l("Grader"),
    Role.INSTRUCTOR: _l("Instructor"),
    Role.LEAD: _l("Lead"),
    Role.COORDINATOR: _l("Coordinator"),
    Role.OBSERVER: _l("Observer"),
}
DECLINE_LABELS: dict[str, Any] = {
    D.DOES_NOT_OPEN: _l("A file does not open"),
    D.WRONG_TASK: _l("It answers another task"),
    D.KNOWS_AUTHOR: _l("I know the author"),
    D.SHOWS_AUTHOR: _l("It shows who wrote it"),
    D.OUTSIDE_FIELD: _l("It is outside my field"),
    D.SUSPECTED_COPYING: _l("I suspect copying"),
    D.AT_RISK: _l("Someone may be at risk"),
    D.OTHER: _l("Something else"),
}
HINDRANCE_LABELS: dict[str, Any] = {
    Hindrance.NOT_ALLOCATED: _l("No reader yet"),
    Hindrance.READING_OUTSTANDING: _l("A reading is outstanding"),
    Hindrance.NOBODY_ELIGIBLE: _l("Nobody is left who may read it"),
    Hindrance.UNDO_OPEN: _l("A grader can still change a finished sheet"),
    Hindrance.DISCREPANT: _l("Scores too far apart"),
    Hindrance.UNRESOLVED: _l("No score yet"),
    Hindrance.REVIEWS_OWED: _l("The learner owes peer reviews"),
    Hindrance.IN_ANOTHER_RELEASE: _l("In a release that is on its way"),
    Hindrance.MISCONDUCT: _l("A suspicion is being looked into"),
    Hindrance.NOT_ADJUSTED: _l("Not adjusted to the readings yet"),
}
MISCONDUCT_LABELS: dict[str, Any] = {
    MisconductKind.COPYING: _l("Copying"),
    MisconductKind.ANOTHERS_WORK: _l("Somebody else's work"),
}
MISCONDUCT_TAGS: dict[str, Tag] = {
    MisconductState.OPEN: (_l("New"), "warn"),
    MisconductState.HEARING: (_l("The learner is asked"), "info"),
    MisconductState.HEARD: (_l("Waits for a decision"), "warn"),
    MisconductState.PROPOSED: (_l("Waits for a second"), "warn"),
    MisconductState.UPHELD: (_l("Upheld"), "danger"),
    MisconductState.DISMISSED: (_l("Dismissed"), "plain"),
}
ANCHOR_TAGS: dict[str, Tag] = {
    AnchorState.PROPOSED: (_l("To be marked blind"), "warn"),
    AnchorState.MARKED: (_l("To be agreed"), "warn"),
    AnchorState.AGREED: (_l("In use"), "ok"),
    AnchorState.WITHDRAWN: (_l("Withdrawn"), "grey"),
}
USE_LABELS: dict[str, Any] = {
    AnchorUse.PRACTICE: _l("Practice"),
    AnchorUse.QUALIFICATION: _l("Qualification"),
    AnchorUse.VALIDITY: _l("Check items"),
}
ATTEMPT_LABELS: dict[str, Any] = {
    AttemptKind.PRACTICE: _l("Practice"),
    AttemptKind.QUALIFICATION: _l("Qualification"),
}
ATTEMPT_TAGS: dict[str, Tag] = {
    AttemptState.OPEN: (_l("In progress"), "info"),
    AttemptState.JUDGED: (_l("Handed in"), "plain"),
    AttemptState.ENDED: (_l("Given up"), "grey"),
}
STANDING_TAGS: dict[str, Tag] = {
    StandingState.QUALIFIED: (_l("Cleared"), "ok"),
    StandingState.PROVISIONAL: (_l("Cleared, provisional"), "info"),
    StandingState.NOT_QUALIFIED: (_l("Not cleared"), "warn"),
    StandingState.EXPIRED: (_l("Expired"), "grey"),
    StandingState.SET_ASIDE: (_l("Set aside"), "danger"),
}
ALARM_TAGS: dict[str, Tag] = {
    AlarmState.OPEN: (_l("To be answered"), "warn"),
    AlarmState.DISMISSED: (_l("Nothing found"), "plain"),
    AlarmState.UPHELD: (_l("Standard moved"), "danger"),
}
QUARANTINE_TAGS: dict[str, Tag] = {
    QuarantineState.IN_FORCE: (_l("Set aside"), "danger"),
    QuarantineState.LIFTED: (_l("Counts again"), "plain"),
}
ENTITLEMENT_TAGS: dict[str, Tag] = {
    EntitlementState.PAID: (_l("Paid"), "ok"),
    EntitlementState.WAIVED: (_l("Waived"), "info"),
    EntitlementState.SPONSORED: (_l("Sponsored"), "info"),
    EntitlementState.REFUNDED: (_l("Refunded"), "grey"),
}
JOB_TAGS: dict[str, Tag] = {
    JobState.WAITING: (_l("Waiting"), "plain"),
    JobState.RUNNING: (_l("Running"), "info"),
    JobState.DONE: (_l("Done"), "plain"),
    JobState.FAILED: (_l("Failed"), "danger"),
}
STAFFING_TAGS: dict[str, Tag] = {
    Severity.IMPOSSIBLE: (_l("Impossible"), "danger"),
    Severity.RISK: (_l("At risk"), "warn"),
    Severity.NOTE: (_l("Good to know"), "info"),
}
IMPORT_LABELS: dict[str, Any] = {
    ImportKind.ROSTER: _l("People"),
    ImportKind.COMPLETIONS: _l("Completions"),
    ImportKind.ENTITLEMENTS: _l("Entitlements"),
    ImportKind.CONFLICTS: _l("Conflicts of interest"),
}
STATUS_TAGS: dict[str, Tag] = {
    PublicStatus.VALID: (_l("Valid"), "ok"),
    PublicStatus.EXPIRED: (_l("Expired"), "warn"),
    PublicStatus.REPLACED: (_l("Replaced"), "info"),
    PublicStatus.REVOKED: (_l("Revoked"), "danger"),
    PublicStatus.UNSIGNED: (_l("Not signed yet"), "warn"),
    PublicStatus.BROKEN: (_l("Does not verify"), "danger"),
}
OUTCOME_TAGS: dict[str, Tag] = {
    Outcome.GOOD: (_l("Good"), "ok"),
    Outcome.BAD: (_l("Bad"), "danger"),
    Outcome.OPEN: (_l("Not yet"), "warn"),
}
ASSURANCE_LABELS: dict[str, Any] = {
    IdentityAssurance.DOCUMENT: _l("a document"),
    IdentityAssurance.PROCTORED: _l("a proctored exam"),
    IdentityAssurance.SIGN_IN: _l("the institution’s sign-in"),
    IdentityAssurance.ATTESTED: _l("the program’s word"),
}
DOCUMENT_LABELS: dict[str, Any] = {
    DocumentKind.PASSPORT: _l("Passport"),
    DocumentKind.IDENTITY_CARD: _l("Identity card"),
    DocumentKind.DRIVING_LICENCE: _l("Driving licence"),
    DocumentKind.RESIDENCE_PERMIT: _l("Residence permit"),
    DocumentKind.OTHER: _l("Another document with a photo"),
}
EXTENSION_LABELS: dict[str, Any] = {
    ExtensionKind.EXTENSION: _l("Extension"),
    ExtensionKind.ADJUSTMENT: _l("Adjustment"),
}


@cache
def _zones() -> frozenset[str]:
    """The names of all zones; finding them looks through hundreds of files."""
    return frozenset(available_timezones())


def viewer_zone() -> ZoneInfo:
    """The reader's zone: their choice, else the cohort's of this page, else UTC."""
    name = getattr(current_user, "time_zone", None) if current_user.is_authenticated else None
    if name in _zones():
        return ZoneInfo(str(name))
    return getattr(g, "cohort_zone", None) or ZoneInfo("UTC")


def zone_words(zone: ZoneInfo) -> str:
    """Name a zone for people: London time."""
    if zone.key == "UTC":
        return _("UTC")
    return _("%(city)s time", city=zone.key.rsplit("/", 1)[-1].replace("_", " "))


def clock_words(at: datetime) -> str:
    """Write a time as 11:59pm."""
    return f"{at.hour % 12 or 12}:{at.minute:02d}{'am' if at.hour < 12 else 'pm'}"


def date_words(day: date) -> str:
    """Write a day as 27 November 2026."""
    months = (
        _("January"), _("February"), _("March"), _("April"), _("May"), _("June"),
        _("July"), _("August"), _("September"), _("October"), _("November"), _("December"),
    )  # fmt: skip
    return f"{day.day} {months[day.month - 1]} {day.year}"


def instant_words(at: datetime, zone: ZoneInfo) -> str:
    """Write an instant out in a zone, for mail and for pages."""
    local = at.astimezone(zone)
    days = (
        _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"),
    )  # fmt: skip
    return _(
        "%(day)s %(date)s, %(time)s %(zone)s",
        day=days[local.weekday()],
        date=date_words(local.date()),
        time=clock_words(local),
        zone=zone_words(zone),
    )


def when(at: datetime | None, cohort_zone: ZoneInfo | None = None) -> Markup:
    """Show an instant in the reader's zone, and in the cohort's where that differs."""
    if at is None:
        return Markup("")
    zone = viewer_zone()
    text = Markup('<time datetime="{}">{}</time>').format(
        at.astimezone(zone).isoformat(timespec="seconds"), instant_words(at, zone)
    )
    course = cohort_zone or getattr(g, "cohort_zone", None)
    if course is None or at.astimezone(course).utcoffset() == at.astimezone(zone).utcoffset():
        return text
    return Markup("{} ({})").format(
        text, _("%(time)s, the course time zone", time=instant_words(at, course))
    )


def at_time(at: datetime) -> Markup:
    """Show only the time of day, for what happens today: Saved 2:02pm."""
    return Markup('<time datetime="{}">{}</time>').format(
        at.isoformat(timespec="seconds"), clock_words(at.astimezone(viewer_zone()))
    )


def size_words(size: int) -> str:
    """Write a number of bytes for people."""
    if size < 1_000:
        return _("%(n)s bytes", n=size)
    if size < 1_000_000:
        return _("%(n)s KB", n=round(size / 1_000))
    return _("%(n)s MB", n=f"{size / 1_000_000:.1f}")


def number(value: float | None, places: int = 1) -> str:
    """Write a number; what is undefined is a dash, never a zero."""
    return "–" if value is None or isnan(value) else f"{value:.{places}f}"


@dataclass(frozen=True)
class RoleLink:
    """One entry of the role switch."""

    label: Any
    url: str
    current: bool


# Stands among the roles of `role_links` for whoever works in a program office.
OFFICE = "office"
AREAS: tuple[tuple[str, Any, str, frozenset[str]], ...] = (
    ("/learn", _l("Learner"), "learner.home", frozenset({Role.LEARNER, Role.PEER})),
    ("/grade", _l("Grader"), "rater.home", frozenset({Role.GRADER})),
    (
        "/teach",
        _l("Instructor"),
        "instructor.home",
        frozenset({Role.INSTRUCTOR, Role.LEAD, Role.COORDINATOR, Role.OBSERVER}),
    ),
)


def role_links() -> list[RoleLink]:
    """The areas of the signed-in person; one query a page."""
    if not current_user.is_authenticated:
        return []
    if "role_links" not in g:
        held = set(
            db.session.scalars(
                select(Membership.role)
                .where(Membership.person_id == current_user.id, Membership.ended_at.is_(None))
                .union(
                    select(literal(OFFICE)).where(
                        SponsorMember.person_id == current_user.id,
                        SponsorMember.ended_at.is_(None),
                    )
                )
            )
        )
        links = [
            RoleLink(label, url_for(endpoint), request.path.startswith(prefix))
            for prefix, label, endpoint, roles in AREAS
            if held & roles
        ]
        found = db.session.get(Person, current_user.id)
        if found is not None and (found.administrator or OFFICE in held):
            label = _l("Administrator") if found.administrator else _l("Program office")
            links.append(RoleLink(label, url_for("admin.home"), request.path.startswith("/admin")))
        g.role_links = links
    return list(g.role_links)


def register(app: Flask) -> None:
    """Give templates what they use everywhere."""
    # A sentence may go over several lines of a template; its reader and translator see one.
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.globals.update(
        when=when,
        instant_words=instant_words,
        zone_words=zone_words,
        at_time=at_time,
        date_words=date_words,
        size_words=size_words,
        number=number,
        markdown=markdown,
        submission_tags=SUBMISSION_TAGS,
        staff_submission_tags=STAFF_SUBMISSION_TAGS,
        item_tags=ITEM_TAGS,
        release_tags=RELEASE_TAGS,
        cohort_tags=COHORT_TAGS,
        role_labels=ROLE_LABELS,
        hindrance_labels=HINDRANCE_LABELS,
        misconduct_labels=MISCONDUCT_LABELS,
        misconduct_tags=MISCONDUCT_TAGS,
        extension_labels=EXTENSION_LABELS,
        anchor_tags=ANCHOR_TAGS,
        use_labels=USE_LABELS,
        attempt_labels=ATTEMPT_LABELS,
        attempt_tags=ATTEMPT_TAGS,
        standing_tags=STANDING_TAGS,
        alarm_tags=ALARM_TAGS,
        quarantine_tags=QUARANTINE_TAGS,
        entitlement_tags=ENTITLEMENT_TAGS,
        job_tags=JOB_TAGS,
        need_words=NEED_WORDS,
        coming_words=COMING_WORDS,
        staffing_tags=STAFFING_TAGS,
        import_labels=IMPORT_LABELS,
        status_tags=STATUS_TAGS,
        outcome_tags=OUTCOME_TAGS,
        assurance_labels=ASSURANCE_LABELS,
        document_labels=DOCUMENT_LABELS,
        ngettext=ngettext,
        get_locale=get_locale,
        said=_,
        zip=zip,
    )

    @app.context_processor
    def common() -> dict[str, Any]:
        return {
            "roles": role_links(),
            "service_name": access.installation().settings.service_name,
            "viewer_zone": zone_words(viewer_zone()),
            "theme": getattr(current_user, "theme", "system"),
            "now": access.now(),
            "page_error": g.get("page_error", False),
        }
