"""Setting up: sponsors, programs, rubrics, cohorts, people.

Administrators run the service; a program office runs its own sponsor's programs and cohorts; coordinators
and instructors run their cohort.
"""

from flask import Flask

from grading.web.admin import (
    accounts,
    cohorts,
    entitlements,
    grouping,
    imports,
    jobs,
    partners,
    people,
    plan,
    privacy,
    programs,
    sponsors,
    texts,
)
from grading.web.admin.common import bp

__all__ = [
    "accounts",
    "cohorts",
    "entitlements",
    "grouping",
    "imports",
    "jobs",
    "partners",
    "people",
    "plan",
    "privacy",
    "programs",
    "register",
    "sponsors",
    "texts",
]


def register(app: Flask) -> None:
    app.register_blueprint(bp)
    app.register_blueprint(grouping.bp)
