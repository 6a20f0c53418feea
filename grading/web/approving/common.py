"""The blueprint of what is put before somebody to sign."""

from flask import Blueprint

bp = Blueprint("approving", __name__, url_prefix="/approve")
