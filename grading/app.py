"""create_app: the one place that knows every part."""

import logging
from typing import Any

from flask import Flask, Response, g, redirect, request, url_for
from flask_babel import Babel
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from grading import assets
from grading.adapters.certificate import TypstPrinter
from grading.adapters.mail import open_mailer
from grading.adapters.openid import OpenIdProvider
from grading.adapters.own_files import keep_private
from grading.adapters.partners import HttpPartnerGateway
from grading.adapters.signing import LocalNotary
from grading.adapters.storage import open_store
from grading.authorization.permissions import Permission
from grading.db import db, engine_options, prepare
from grading.ledger import security
from grading.people.passwords import password_hasher
from grading.settings import SMALL_BODY, Installation, Settings
from grading.web import (
    access,
    admin,
    approving,
    entering,
    errors,
    instructor,
    learner,
    page_help,
    privacy,
    public,
    rater,
    rendering,
    sign_in,
)

# What is refused to somebody who is known, or not known, or who asks too often.
REFUSALS = (401, 403, 429)


def create_app(settings: Settings) -> Flask:
    """Build the service.

    Raises
    ------
    RuntimeError
        A view declares no permission.
    """
    keep_private(settings.own_paths)
    security.open_log(security.SECURITY, settings.security_log)
    app = Flask(
        "grading",
        template_folder=str(assets.folder("templates")),
        static_folder=str(assets.folder("static")),
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        SESSION_COOKIE_NAME="grading",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure,
        MAX_CONTENT_LENGTH=SMALL_BODY,
        MAX_FORM_MEMORY_SIZE=SMALL_BODY,
        WTF_CSRF_TIME_LIMIT=None,
        # No page is asked for what it can: OPTIONS is one more way that nothing uses.
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    app.extensions["grading"] = install(settings)
    if settings.trusted_proxies:
        n = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    db.init_app(app)
    with app.app_context():
        prepare(db.engine)
    # Before anything reads a body.
    app.before_request(_take_large_bodies)
    CSRFProtect(app)
    Babel(app, default_locale="en")
    entering.register(app)
    logins = LoginManager(app)
    logins.user_loader(access.load_account)
    logins.session_protection = None
    rendering.register(app)
    page_help.register(app)
    errors.register(app)
    for part in (sign_in, public, learner, privacy, rater, instructor, approving, admin):
        part.register(app)
    _guard(app)
    _headers(app)
    _log(app)
    return app


def install(settings: Settings) -> Installation:
    """Open what stands outside: files, mail, keys, printer, partners, the provider to sign in with."""
    return Installation(
        settings=settings,
        files=open_store(settings.files_url),
        mailer=open_mailer(settings.mail_url),
        hasher=password_hasher(settings.password_cost),
        notary=LocalNotary(settings.secret_key),
        printer=TypstPrinter(),
        partners=HttpPartnerGateway(anywhere=settings.partners_anywhere),
        provider=_provider(settings),
    )


def _provider(settings: Settings) -> OpenIdProvider | None:
    openid = settings.openid
    if openid is None:
        return None
    return OpenIdProvider(openid.issuer, openid.client_id, openid.client_secret)


def _take_large_bodies() -> None:
    """Let whoever is signed in send an upload; of others no more is read than a form has."""
    if (request.content_length or 0) > SMALL_BODY and current_user.is_authenticated:
        request.max_content_length = access.installation().settings.largest_body


def _guard(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if rule.endpoint != "static" and not hasattr(view, "permission"):
            raise RuntimeError(f"the view {rule.endpoint} declares no permission")

    @app.before_request
    def ask() -> Any:
        permission = _permission(app)
        if permission in (None, Permission.SIGNED_OUT):
            return None
        if current_user.is_authenticated:
            access.renew_sign_in()
            return None
        if errors.wants_json():
            return errors.answer(401, "You are signed out.", reason="signed_out")
        back = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("sign_in.form", next=back))

    @app.after_request
    def asked(response: Response) -> Response:
        permission = _permission(app)
        if permission is None or permission in access.PLAIN or response.status_code >= 300:
            return response
        if permission not in g.get("asked", ()):
            raise RuntimeError(f"{request.endpoint} answered without asking for {permission}")
        return response


def _permission(app: Flask) -> Permission | None:
    if request.endpoint is None or request.endpoint == "static":
        return None
    return getattr(app.view_functions[request.endpoint], "permission", None)


def _log(app: Flask) -> None:
    @app.after_request
    def note(response: Response) -> Response:
        """Note who asked for what, by the route's form: an address may hold a secret, or a name."""
        status = response.status_code
        refused = g.get("refused") if status == 404 else None
        # Only who was asked for already: to ask now may fail for the reason why the request did.
        account = g.get("_login_user")
        fields = {
            "person": account.id if account is not None and account.is_authenticated else None,
            "route": request.url_rule.rule if request.url_rule else None,
            "method": request.method,
            "status": status,
        }
        if refused or status in REFUSALS:
            line = "refusal"
            fields["permission"] = refused
        else:
            line = "failure" if status >= 500 else ""
        if line:
            security.write_line(security.SECURITY, line, at=access.now(), **fields)
        if security.ACCESS.isEnabledFor(logging.INFO):
            size = response.content_length
            security.write_line(security.ACCESS, "request", at=access.now(), **fields, bytes=size)
        return response


_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def _headers(app: Flask) -> None:
    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        if request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return response
