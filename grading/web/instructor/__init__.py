"""Stands in until the real pages arrive."""

from flask import Blueprint, Flask

from grading.authorization.permissions import Permission
from grading.web.access import requires

bp = Blueprint("instructor", __name__, url_prefix="/teach")


@bp.get("/")
@requires(Permission.SIGNED_IN)
def home() -> str:
    return ""


@bp.get("/<cohort_id>")
@requires(Permission.SIGNED_IN)
def cohort(cohort_id: str) -> str:
    return cohort_id


def register(app: Flask) -> None:
    app.register_blueprint(bp)
