"""The instructor's pages: the cohort, disputed grades, release, statistics, audit."""

import math

from flask import Flask

from grading.web.instructor import (
    calibration,
    cohort,
    coordinator,
    dispute,
    funnel,
    identity,
    misconduct,
    monitoring,
    points,
    quarantine,
    release,
    routing,
    statistics,
    submission,
)
from grading.web.instructor.shell import bp

__all__ = ["cohort", "dispute", "quarantine", "register", "release", "submission"]


def register(app: Flask) -> None:
    for part in (
        bp,
        statistics.bp,
        misconduct.bp,
        coordinator.bp,
        identity.bp,
        funnel.bp,
        points.bp,
        calibration.bp,
        monitoring.bp,
        routing.bp,
    ):
        app.register_blueprint(part)
    app.jinja_env.globals["is_nan"] = math.isnan
