"""grading backup and restore: the embedded form in one file."""

import hashlib
import io
import json
import shutil
import sqlite3
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path, PurePosixPath

import click

from grading.cli.edge import CreateApp, service
from grading.db import db
from grading.errors import Fault, FaultsFound, Refused
from grading.office.queries.erasures import NO_FILE
from grading.phrases import phrase
from grading.settings import Settings

MANIFEST = "manifest.json"
DATABASE = "grading.db"
FILES = "files"


def _places(settings: Settings) -> tuple[Path, Path]:
    if settings.sqlite_path is None or settings.files_path is None:
        raise Refused(
            "This is for SQLite and local files. Back a server up with its own tools, such as pg_dump."
        )
    return settings.sqlite_path, settings.files_path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


damaged = click.option("--damaged", is_flag=True, help="Do it all the same; ends with 1.")


def _report(faults: list[Fault], *, damaged: bool) -> None:
    """Name what is damaged; raises `FaultsFound` unless it is to be done all the same."""
    if faults and not damaged:
        click.echo("Nothing was done. With --damaged it is done all the same.", err=True)
        raise FaultsFound(faults)
    for fault in faults:
        click.echo(f"Damaged: {fault}", err=True)


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@damaged
@click.pass_obj
def backup(create_app: CreateApp, file: Path, damaged: bool) -> None:
    """Write the database and all files to the tar FILE, while the service runs.

    The copy of the database is checked, and every file is held against the digest that the database keeps
    of it; where something is damaged, nothing is written.
    """
    with service(create_app) as app:
        database, files = _places(app.extensions["grading"].settings)
    if file.exists():
        raise Refused("%(file)s exists. Choose another name.", file=str(file))
    with tempfile.TemporaryDirectory(dir=file.absolute().parent) as folder:
        copy = Path(folder, DATABASE)
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
            # SQLite's own way: one consistent state, without stopping writers.
            source.backup(target)
        # Files are written once and never changed, so those the copy names are all there by now.
        stored = (
            sorted(path for path in files.rglob("*") if path.is_file()) if files.is_dir() else []
        )
        names = {f"{FILES}/{path.relative_to(files).as_posix()}": path for path in stored}
        names = {DATABASE: copy, **names}
        digests = {name: _sha256(path) for name, path in names.items()}
        faults = _damage(copy, digests)
        _report(faults, damaged=damaged)
        manifest = Path(folder, MANIFEST)
        manifest.write_text(json.dumps(digests))
        part = Path(folder, "backup.tar")
        with tarfile.open(part, "w") as archive:
            archive.add(manifest, MANIFEST)
            with click.progressbar(names.items(), label="Backing up") as rows:
                for name, path in rows:
                    archive.add(path, name)
        part.replace(file)
    click.echo(f"{len(names)} files in {file}.")
    if faults:
        sys.exit(1)


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace what is there.")
@damaged
@click.pass_obj
def restore(create_app: CreateApp, file: Path, force: bool, damaged: bool) -> None:
    """Put a backup FILE back, after checking all of it. Stop the service first.

    What is not as the backup was made is never put back; what was damaged already when it was made, only
    with --damaged.
    """
    with service(create_app) as app:
        database, files = _places(app.extensions["grading"].settings)
        db.engine.dispose()
    if database.exists() and not force:
        raise Refused("%(file)s is there already. Use --force to replace it.", file=str(database))
    database.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=database.parent) as folder:
        with tarfile.open(file) as archive:
            for member in archive.getmembers():
                path = PurePosixPath(member.name)
                if not member.isfile() or path.is_absolute() or ".." in path.parts:
                    raise Refused(
                        "This is no backup of this service: it holds “%(name)s”.", name=member.name
                    )
                source = archive.extractfile(member)
                target = Path(folder, *path.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as out:
                    shutil.copyfileobj(source or io.BytesIO(), out)
        faults = _damage(Path(folder, DATABASE), _check(Path(folder)))
        _report(faults, damaged=damaged)
        for extra in ("-wal", "-shm"):
            Path(f"{database}{extra}").unlink(missing_ok=True)
        if files.exists():
            files.replace(Path(folder, "replaced"))
        kept = Path(folder, FILES)
        kept.mkdir(exist_ok=True)
        files.parent.mkdir(parents=True, exist_ok=True)
        kept.replace(files)
        Path(folder, DATABASE).replace(database)
    click.echo("Restored.")
    if faults:
        sys.exit(1)


def _check(folder: Path) -> dict[str, str]:
    """See that every file is there and as it was, and give their digests; nothing is changed before."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise Refused("This is no backup of this service: it has no manifest.")
    listed: dict[str, str] = json.loads(manifest.read_text())
    faults = [
        Fault(
            name,
            phrase("It was changed.") if (folder / name).is_file() else phrase("It is missing."),
        )
        for name, digest in listed.items()
        if not (folder / name).is_file() or _sha256(folder / name) != digest
    ]
    if DATABASE not in listed:
        faults.append(Fault(DATABASE, "It is missing."))
    if faults:
        raise FaultsFound(faults)
    return listed


def _damage(database: Path, digests: Mapping[str, str]) -> list[Fault]:
    """Say what is damaged in a database, and in the files beside it.

    Parameters
    ----------
    digests : mapping
        SHA-256 by name of every file that is there.
    """
    with closing(sqlite3.connect(database)) as connection:
        try:
            faults = [
                Fault(DATABASE, "It is damaged: %(what)s.", {"what": what})
                for (what,) in connection.execute("PRAGMA integrity_check(20)")
                if what != "ok"
            ]
            faults += [
                Fault(
                    DATABASE,
                    "A row of %(table)s refers to one that is not there.",
                    {"table": table},
                )
                for table, *_ in connection.execute("PRAGMA foreign_key_check")
            ][:20]
            kept = connection.execute(
                "SELECT DISTINCT key, sha256 FROM submission_file WHERE key <> ?", (NO_FILE,)
            ).fetchall()
        except sqlite3.DatabaseError as error:
            return [Fault(DATABASE, "It is damaged: %(what)s.", {"what": str(error)})]
    return faults + [
        Fault(name, phrase("It was changed.") if name in digests else phrase("It is missing."))
        for name, sha256 in ((f"{FILES}/{key}", sha256) for key, sha256 in kept)
        if digests.get(name) != sha256
    ]
