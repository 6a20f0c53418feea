"""The blueprint of what anybody may see."""

from flask import Blueprint

bp = Blueprint("public", __name__)
