"""The blueprint of signing in, and where somebody goes after it."""

from flask import Blueprint, url_for

bp = Blueprint("sign_in", __name__)


def local(address: str | None) -> str:
    """Keep a return address to this service; anything else leads home."""
    if address and address.startswith("/") and not address.startswith(("//", "/\\")):
        return address
    return url_for("sign_in.home")
