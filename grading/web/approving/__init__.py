"""What is put before somebody for their signature, and what they answer."""

from flask import Flask

from grading.web.approving import challenge
from grading.web.approving.common import bp

__all__ = ["challenge", "register"]


def register(app: Flask) -> None:
    app.register_blueprint(bp)
