"""Where somebody goes after signing in."""

from flask import url_for


def local(address: str | None) -> str:
    """Keep a return address to this service; anything else leads home."""
    if address and address.startswith("/") and not address.startswith(("//", "/\\")):
        return address
    return url_for("sign_in.home")
