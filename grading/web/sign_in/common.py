"""The blueprint of signing in, what a browser keeps of it, and where somebody goes after it."""

import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, after_this_request, current_app, request, url_for
from flask_login import current_user, login_user
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from grading.ledger import security
from grading.models import Person
from grading.people import sign_ins
from grading.web import access

bp = Blueprint("sign_in", __name__)

# Says to which accounts a browser has signed in before; it opens none.
DEVICE_COOKIE = "grading-device"
DEVICE_LASTS = timedelta(days=365)
MOST_ACCOUNTS = 5


def page_here(address: str | None) -> str:
    """Give the address of the page of this service that a return address names; home for any other."""
    try:
        parts = urlsplit(address or "")
        if parts.scheme or parts.netloc:
            raise ValueError("it names another service")
        routes = current_app.url_map.bind_to_environ(request.environ)
        endpoint, values = routes.match(parts.path, method="GET")
        page = url_for(endpoint, **values)
    except (ValueError, HTTPException):
        return url_for("sign_in.home")
    # Made anew from what is known, so that nothing of the given text decides where it leads.
    query = f"?{parts.query}" if parts.query else ""
    return page + query + (f"#{parts.fragment}" if parts.fragment else "")


def entering(session: Session, person: Person) -> Callable[[], None]:
    """Begin a sign-in of this browser in place of one it has; gives what tells it, once that is kept."""
    if current_user.is_authenticated:
        sign_ins.end_sign_in(session, current_user.token)
    account = access.Account(person, sign_ins.begin_sign_in(session, person, now=access.now()))

    def enter() -> None:
        login_user(account)
        note("sign_in", account.id)
        _remember(account.id)

    return enter


def note(kind: str, person_id: str | None) -> None:
    """Write a line of the security log about somebody who comes in, fails to, or goes."""
    way = request.url_rule.rule if request.url_rule else None
    security.write_line(security.SECURITY, kind, at=access.now(), person=person_id, route=way)


def known_devices() -> Mapping[str, str]:
    """Say which accounts this browser has signed in to before, with its secret for each."""
    try:
        devices = _signer().loads(request.cookies.get(DEVICE_COOKIE, ""))
    except BadSignature:
        return {}
    return devices if isinstance(devices, dict) else {}


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt=DEVICE_COOKIE)


def _remember(person_id: str) -> None:
    others = {key: secret for key, secret in known_devices().items() if key != person_id}
    secret = known_devices().get(person_id) or secrets.token_urlsafe(12)
    latest = [*others.items(), (person_id, secret)][-MOST_ACCOUNTS:]
    value = _signer().dumps(dict(latest))
    config: Mapping[str, Any] = current_app.config

    @after_this_request
    def keep(response: Response) -> Response:
        response.set_cookie(
            DEVICE_COOKIE,
            str(value),
            max_age=DEVICE_LASTS,
            httponly=True,
            samesite=config["SESSION_COOKIE_SAMESITE"],
            secure=config["SESSION_COOKIE_SECURE"],
        )
        return response
