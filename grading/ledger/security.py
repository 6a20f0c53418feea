"""The security log: who came in, who was refused, and what the audit holds of roles, exports and looks.

Each line is a JSON object of ids and fixed words: no names, no addresses, nothing that somebody wrote.
Lines of acts are written once the act is kept. docs/operations.md has the fields.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

SECURITY = logging.getLogger("grading.security")
ACCESS = logging.getLogger("grading.access")
# In place of a file: the process's standard error.
STANDARD_ERROR = "-"
_GATHERED = "lines of the security log to be written"

# What of the audit concerns security, and the kind of line that it makes.
KINDS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "membership:begin",
            "membership:end",
            "person:set_administrator",
            "sponsor_member:begin",
            "sponsor_member:end",
        ),
        "role",
    ),
    **dict.fromkeys(
        ("export:ask", "export:command", "export:fetch", "credential:export"), "export"
    ),
    **dict.fromkeys(
        (
            "audit:read",
            "cohort:read",
            "funnel:read",
            "learners:read",
            "result:read",
            "scores:read",
            "transcript:read",
        ),
        "look",
    ),
    **dict.fromkeys(
        ("person:create", "person:deactivate", "person:reactivate", "person:erase"), "account"
    ),
    **dict.fromkeys(
        (
            "passkey:add",
            "passkey:count_fell",
            "passkey:remove",
            "person:set_password",
            "person:sign_out_everywhere",
            "sign_in:link",
        ),
        "way_in",
    ),
}


def write_line(log: logging.Logger, kind: str, *, at: datetime, **fields: Any) -> None:
    """Write one line; what is None is left out."""
    if log.isEnabledFor(logging.INFO):
        said = {name: value for name, value in fields.items() if value is not None}
        log.info("%s", json.dumps({"at": at.astimezone(UTC).isoformat(), "event": kind} | said))


class _File(WatchedFileHandler):
    """A file that is written where it can be: what was kept stays kept, though no line can be written."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)


def open_log(log: logging.Logger, where: str) -> None:
    """Have a log written to a file, which may be moved away and is then begun anew, or to standard error."""
    handler: logging.Handler = (
        logging.StreamHandler()
        if where == STANDARD_ERROR
        else _File(Path(where), encoding="utf-8", delay=True)
    )
    for former in list(log.handlers):
        log.removeHandler(former)
        former.close()
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def gather(session: Session, acts: Iterable[tuple[datetime, str, str | None, str]]) -> None:
    """Note acts of the audit, (instant, action, actor, subject) each, that are about to be kept."""
    session.info[_GATHERED] = [act for act in acts if act[1] in KINDS]


@event.listens_for(Session, "after_commit")
def _write(session: Session) -> None:
    for at, action, actor_id, subject_id in session.info.pop(_GATHERED, ()):
        fields = {"action": action, "person": actor_id, "subject": subject_id}
        write_line(SECURITY, KINDS[action], at=at, **fields)


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(_GATHERED, None)
