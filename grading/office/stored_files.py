"""Stored files held against what the database says of them."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import NotFound
from grading.models import SubmissionFile
from grading.office.queries.erasures import NO_FILE
from grading.ports import FileStore


@dataclass(frozen=True)
class FilesReport:
    """How many stored files were read, and which are not what was handed in, in words."""

    count: int
    faults: tuple[str, ...]


def verify_files(session: Session, files: FileStore) -> FilesReport:
    """Read every file of a submission, and compare it with the SHA-256 that was noted when it came."""
    kept = session.execute(
        select(SubmissionFile.key, SubmissionFile.sha256)
        .where(SubmissionFile.key != NO_FILE)
        .distinct()
        .order_by(SubmissionFile.key)
    ).all()
    faults = []
    for key, sha256 in kept:
        digest = hashlib.sha256()
        try:
            for chunk in files.read(key):
                digest.update(chunk)
        except NotFound:
            faults.append(f"file {key} is missing")
        else:
            if digest.hexdigest() != sha256:
                faults.append(f"file {key} was changed")
    return FilesReport(len(kept), tuple(faults))
