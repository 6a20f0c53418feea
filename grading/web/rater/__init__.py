"""The bench: one sheet for professional graders, peers and adjudicators alike.

The same page is served under two addresses, because the role is part of an address: ``/grade`` for
professionals, ``/learn/review`` for peers. A page knows its own item and nothing of any other's.
"""

from flask import Flask

from grading.web.rater import absence, calibration, item, questions, sheet
from grading.web.rater.common import bp

__all__ = ["item", "register", "sheet"]


def register(app: Flask) -> None:
    for part in (bp, questions.bp, absence.bp, calibration.bp):
        app.register_blueprint(part)
