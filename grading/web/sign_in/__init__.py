"""Signing in and out, the way back in, preferences, and where everybody lands."""

from flask import Flask

from grading.web.sign_in import doors, entry, openid, passkeys, password, preferences
from grading.web.sign_in.common import bp

__all__ = ["entry", "password", "preferences", "register"]


def register(app: Flask) -> None:
    for part in (bp, passkeys.bp, doors.bp, openid.bp):
        app.register_blueprint(part)
