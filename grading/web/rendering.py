"""How records look: times in the reader's zone, names of readings, Jinja's globals."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfo, available_timezones

from flask import Flask, g, request, url_for
from flask_babel import format_date, format_time, get_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from sqlalchemy import literal, select

from grading.db import db
from grading.disputes.queries.dispute_queue import SealedSheet
from grading.models import Cohort, Membership, Person, SponsorMember
from grading.models.conditions import takes_part
from grading.readings.queries.staff_view import ShownReading
from grading.texts import isolated
from grading.web import access, labels
from grading.web.markdown import render as markdown
from grading.web.need_words import COMING_WORDS, NEED_WORDS
from grading.web.number_words import (
    list_words,
    number,
    percent_words,
    short_number,
    signed_number,
    size_words,
)
from grading.workflow.allocation import Pool, Purpose
from grading.workflow.capstone_page import Cell
from grading.workflow.cohort import Role
from grading.workflow.deadlines import local_day


@cache
def _zones() -> frozenset[str]:
    """The names of all zones; finding them looks through hundreds of files."""
    return frozenset(available_timezones())


def viewer_zone(cohort_zone: ZoneInfo | None = None) -> ZoneInfo:
    """The reader's zone: their choice, else that of the cohort in question, else that of their cohorts.

    UTC is left for who is signed out, and for who is in no cohort or in cohorts of several zones.
    """
    name = getattr(current_user, "time_zone", None) if current_user.is_authenticated else None
    if name in _zones():
        return ZoneInfo(str(name))
    return cohort_zone or getattr(g, "cohort_zone", None) or _zone_of_cohorts()


def _zone_of_cohorts() -> ZoneInfo:
    """The one zone of all cohorts that the signed-in person has a part in; one query a page."""
    if not current_user.is_authenticated:
        return ZoneInfo("UTC")
    if "zone_of_cohorts" not in g:
        zones = db.session.scalars(
            select(Cohort.time_zone)
            .distinct()
            .join(Membership, Membership.cohort_id == Cohort.id)
            .where(takes_part(person_id=current_user.id))
        ).all()
        g.zone_of_cohorts = ZoneInfo(zones[0]) if len(zones) == 1 else ZoneInfo("UTC")
    return cast(ZoneInfo, g.zone_of_cohorts)


def said(text: str, **params: Any) -> str:
    """Translate a text that was marked where it stands: a label, a reason, the name of a band."""
    return _(text, **params)


def zone_words(zone: ZoneInfo) -> str:
    """Name a zone for people: London time."""
    if zone.key == "UTC":
        return _("UTC")
    return _("%(city)s time", city=zone.key.rsplit("/", 1)[-1].replace("_", " "))


def clock_words(at: datetime) -> str:
    """Write a time as 11:59pm."""
    # A pattern of Unicode's date formats, translated for where the clock has 24 hours.
    return str(format_time(at, _("h:mma"), rebase=False)).lower()


def date_words(day: date) -> str:
    """Write a day as 27 November 2026."""
    return format_date(day, "d MMMM y")


def instant_words(at: datetime, zone: ZoneInfo) -> str:
    """Write an instant out in a zone, for mail and for pages."""
    local = at.astimezone(zone)
    return _(
        "%(day)s %(date)s, %(time)s %(zone)s",
        day=format_date(local.date(), "EEEE"),
        date=date_words(local.date()),
        time=clock_words(local),
        zone=zone_words(zone),
    )


def when(at: datetime | None, cohort_zone: ZoneInfo | None = None) -> Markup:
    """Show an instant in the reader's zone, and in the cohort's where that differs."""
    if at is None:
        return Markup("")
    zone = viewer_zone(cohort_zone)
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


def _rater_name(pool: str, sign: str) -> str:
    if pool == Pool.PROFESSIONAL:
        return _("Grader %(sign)s", sign=sign)
    return _("Peer %(sign)s", sign=sign)


def reading_name(reading: ShownReading) -> str:
    """Call a reading of a project by its rater's sign, as far as it is not the one that settles."""
    if reading.pool == Pool.PROFESSIONAL and reading.purpose == Purpose.ADJUDICATION:
        return _("Third reading")
    return _rater_name(reading.pool, reading.sign)


def sheet_name(sheet: SealedSheet) -> str:
    """Call a sheet of an appealed project by its rater's sign, and say whether it was struck."""
    name = _("Re-mark") if sheet.remark else _rater_name(sheet.pool, sheet.sign)
    return _("%(reading)s (struck)", reading=name) if sheet.fault else name


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
                .where(takes_part(person_id=current_user.id))
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
        signed_in = db.session.get(Person, current_user.id)
        if signed_in is not None and (signed_in.administrator or OFFICE in held):
            label = _l("Administrator") if signed_in.administrator else _l("Program office")
            links.append(RoleLink(label, url_for("admin.home"), request.path.startswith("/admin")))
        g.role_links = links
    return list(g.role_links)


def _isolating(translate: Any) -> Any:
    """Isolate the parts of a template's sentences."""

    @pass_context
    def translated(context: Context, text: str, /, **parts: Any) -> Any:
        return translate(context, text, **{name: isolated(part) for name, part in parts.items()})

    return translated


def register(app: Flask) -> None:
    """Give templates what they use everywhere."""
    # A sentence may go over several lines of a template; its reader and translator see one.
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.finalize = isolated
    app.jinja_env.globals["gettext"] = _isolating(app.jinja_env.globals["gettext"])
    app.jinja_env.globals.update(
        {
            name.lower(): table
            for name, table in vars(labels).items()
            if name.endswith(("_LABELS", "_TAGS", "_WORDS"))
        }
    )
    app.jinja_env.filters.update(
        reading_name=reading_name, sheet_name=sheet_name, list_words=list_words
    )
    app.jinja_env.globals.update(
        when=when,
        instant_words=instant_words,
        local_day=local_day,
        zone_words=zone_words,
        at_time=at_time,
        date_words=date_words,
        size_words=size_words,
        number=number,
        signed_number=signed_number,
        percent_words=percent_words,
        short_number=short_number,
        markdown=markdown,
        need_words=NEED_WORDS,
        coming_words=COMING_WORDS,
        ngettext=ngettext,
        get_locale=get_locale,
        said=said,
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


@dataclass(frozen=True)
class Told:
    """What a page says of where somebody stands: a cell of a table, its dates and numbers filled in."""

    cell: Cell
    places: Mapping[str, Any]

    @property
    def sentence(self) -> Markup:
        return Markup(escape(said(self.cell.sentence))) % self.places
