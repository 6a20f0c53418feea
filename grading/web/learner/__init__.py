"""The learner's pages: the capstone, handing it in, the result, the record."""

from flask import Flask

from grading.web.learner import (
    capstone,
    credentials,
    grouping,
    program_record,
    project,
    questions,
    result,
)
from grading.web.learner.common import bp

__all__ = ["capstone", "project", "register", "result"]


def register(app: Flask) -> None:
    for part in (bp, questions.bp, program_record.bp, credentials.bp, grouping.bp):
        app.register_blueprint(part)
