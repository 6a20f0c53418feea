"""What anybody may see: checking a credential, the way out, health, and the small print."""

from flask import Flask

from grading.web.public import issued, many, pages, record
from grading.web.public.common import bp

__all__ = ["many", "pages", "record", "register"]


def register(app: Flask) -> None:
    app.register_blueprint(bp)
    app.register_blueprint(issued.bp)
