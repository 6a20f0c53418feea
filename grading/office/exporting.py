"""The export of everything about a person: one zip of JSON and files, written as it is read.

The shape is that of docs/privacy.md; `VERSION` rises when a reader of the last one would misread it.
"""

import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from grading.errors import NotFound, Refused
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.models import Job, Person, PersonalExport, SubmissionFile
from grading.office.queries import personal_data, personal_rows
from grading.ports import FileStore, StoredBytes
from grading.records import disclosures
from grading.workflow.privacy import Disclosed, ExportState, Ground

FORMAT = "capstone-grading-personal-data"
VERSION = 1
# How long a finished export can be fetched.
LASTS = timedelta(days=7)
# Nobody's works are larger; the store wants a limit.
LARGEST = 1 << 40
TOPIC = "personal_export"
# Besides the parts that are tables: mails, the audit, files.
TOTAL = len(personal_data.PARTS) + 3
_UNSAFE = re.compile(r"[^\w.\-]+")


class _Pipe:
    """A file that is only written to, and emptied as it fills; it cannot be sought in."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nothing behind it."""

    def take(self) -> bytes:
        taken = b"".join(self._chunks)
        self._chunks.clear()
        return taken


@dataclass
class _Contents:
    """What was written so far, for the manifest and for the audit's part."""

    parts: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)


def write_export(
    session: Session,
    person: Person,
    *,
    store: FileStore,
    now: datetime,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Iterator[bytes]:
    """Yield a zip of all that is about a person.

    Rows and files are read as they are written, so memory does not grow with what there is; each part
    is what it was when its turn came. Of an erased person there is only what the law keeps.

    Parameters
    ----------
    progress : callable, optional
        Told between parts how many are done, and of how many; it may end the transaction.
    """
    person_id, erased_at = person.id, person.erased_at
    parts = [part for part in personal_data.PARTS if part.kept_by_law or erased_at is None]
    total = len(parts) + (3 if erased_at is None else 0)
    pipe, contents = _Pipe(), _Contents()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:  # type: ignore[call-overload]  # it only writes
        for number, part in enumerate(parts):
            rows = _noting(personal_rows.rows_of(session, part, person_id), contents.subjects)
            yield from _array(archive, pipe, part.name, rows, contents)
            contents.parts[-1] |= {
                "table": part.model.__tablename__,
                "withheld": dict(part.withheld),
            }
            progress(number + 1, total)
        if erased_at is None:
            mails = personal_rows.mails_of(session, person_id)
            yield from _array(archive, pipe, "mails", mails, contents)
            progress(total - 2, total)
            entries = personal_rows.entries_about(session, person_id, contents.subjects)
            yield from _array(archive, pipe, "audit", entries, contents)
            progress(total - 1, total)
            files = list(personal_rows.files_of(session, person_id))
            for file in files:
                yield from _file(archive, pipe, store, file, contents)
            progress(total, total)
        archive.writestr(
            "manifest.json",
            json.dumps(
                _manifest(person_id, erased_at, contents, now), indent=2, ensure_ascii=False
            ),
        )
        yield pipe.take()
    yield pipe.take()


def _noting(rows: Iterable[personal_data.Row], subjects: set[str]) -> Iterator[personal_data.Row]:
    for row in rows:
        if isinstance(row.get("id"), str):
            subjects.add(row["id"])
        yield row


def _array(
    archive: zipfile.ZipFile,
    pipe: _Pipe,
    name: str,
    rows: Iterable[personal_data.Row],
    contents: _Contents,
) -> Iterator[bytes]:
    """Write rows as one JSON array, a row a line."""
    count, path = 0, f"data/{name}.json"
    with archive.open(path, "w", force_zip64=True) as out:
        for row in rows:
            out.write(b",\n" if count else b"[\n")
            out.write(json.dumps(row, ensure_ascii=False).encode())
            count += 1
            yield pipe.take()
        out.write(b"\n]\n" if count else b"[]\n")
    contents.parts.append({"name": name, "path": path, "rows": count})
    yield pipe.take()


def _file(
    archive: zipfile.ZipFile,
    pipe: _Pipe,
    store: FileStore,
    file: SubmissionFile,
    contents: _Contents,
) -> Iterator[bytes]:
    """Write a stored file; one that is no longer there is said to be so."""
    name = _UNSAFE.sub("_", file.name).strip("._") or "file"
    path = f"files/{file.submission_id}/{file.position:03}-{file.id}-{name}"
    entry = {"path": path, "file": file.id, "size": file.size, "sha256": file.sha256}
    try:
        chunks = store.read(file.key)
    except NotFound:
        contents.files.append(entry | {"path": None})
        return
    with archive.open(path, "w", force_zip64=True) as out:
        for chunk in chunks:
            out.write(chunk)
            yield pipe.take()
    contents.files.append(entry)


def _manifest(
    person_id: str, erased_at: datetime | None, contents: _Contents, now: datetime
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "person": person_id,
        "made_at": now.isoformat(),
        "erased_at": erased_at.isoformat() if erased_at else None,
        "parts": contents.parts,
        "files": contents.files,
        "not_given": dict(personal_data.NOT_EXPORTED),
    }


def request_export(
    session: Session, actor: Person, person: Person, *, ground: str = "", now: datetime
) -> PersonalExport:
    """Ask for an export; one that waits is given again.

    Raises
    ------
    Refused
        An administrator asks for another's and does not say on whose request.
    """
    ground = ground.strip()
    if actor.id != person.id and not ground:
        raise Refused("Say on whose request, and how you know that it is theirs.")
    waiting = select(PersonalExport).where(
        PersonalExport.person_id == person.id,
        PersonalExport.asked_by_id == actor.id,
        PersonalExport.state == ExportState.WAITING,
    )
    found = session.scalar(waiting)
    if found is not None:
        return found
    made = PersonalExport(
        person_id=person.id, asked_by_id=actor.id, ground=ground, asked_at=now, total=TOTAL
    )
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:
        # Pressed twice at the same moment: the other one counts.
        return session.scalars(waiting).one()
    outbox.post(session, TOPIC, {"export": made.id}, key=f"{TOPIC}:{made.id}", now=now)
    audit.record(
        session,
        actor,
        "export:ask",
        made,
        now=now,
        after={"person": person.id},
        reason=ground or None,
    )
    return made


def keep_export(
    session: Session, export: PersonalExport, key: str, stored: StoredBytes, *, now: datetime
) -> None:
    """Note that the file of an export is there."""
    move(
        session,
        export,
        "make",
        actor=None,
        now=now,
        key=key,
        size=stored.size,
        ready_at=now,
        expires_at=now + LASTS,
    )
    export.done = export.total


def fetch_export(session: Session, actor: Person, export: PersonalExport, *, now: datetime) -> str:
    """Give the key of an export's file; one that another person fetches is a disclosure.

    Raises
    ------
    NotFound
        It is not theirs to fetch.
    Refused
        It is not ready, or its time is over.
    """
    if actor.id not in (export.person_id, export.asked_by_id):
        raise NotFound("There is no such page.")
    if export.state != ExportState.READY or export.key is None:
        if export.state == ExportState.EXPIRED:
            raise Refused("The time of this export is over. Ask for a new one.")
        raise Refused("This export is not ready yet.")
    if export.expires_at is None or export.expires_at <= now:
        raise Refused("The time of this export is over. Ask for a new one.")
    audit.record(session, actor, "export:fetch", export, now=now)
    if actor.id != export.person_id:
        disclosures.log_disclosure(
            session,
            export.person_id,
            Disclosed.EXPORT,
            recipient=actor.name,
            ground=Ground.REQUEST,
            by=actor,
            note=export.ground,
            now=now,
        )
    return export.key


def expire_exports(session: Session, *, now: datetime, most: int = 100) -> list[str]:
    """End the exports whose time is over; gives the keys of their files."""
    ended = session.scalars(
        select(PersonalExport)
        .where(PersonalExport.state == ExportState.READY, PersonalExport.expires_at <= now)
        .limit(most)
    ).all()
    keys = [export.key for export in ended if export.key]
    for export in ended:
        move(session, export, "expire", actor=None, now=now, key=None)
    return keys


def exports_of(
    session: Session, actor: Person, person_id: str, *, most: int = 10
) -> list[PersonalExport]:
    """List the exports of a person that somebody asked for, newest first."""
    return list(
        session.scalars(
            select(PersonalExport)
            .where(PersonalExport.person_id == person_id, PersonalExport.asked_by_id == actor.id)
            .order_by(PersonalExport.asked_at.desc(), PersonalExport.id)
            .limit(most)
        )
    )


def failed_exports(session: Session, export: PersonalExport) -> bool:
    """Say whether the job that makes an export gave up."""
    state = session.scalar(select(Job.state).where(Job.key == f"{TOPIC}:{export.id}"))
    return export.state == ExportState.WAITING and state == "failed"
