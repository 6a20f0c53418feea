"""grading backup and restore: the embedded form in one file."""

import hashlib
import io
import json
import shutil
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path, PurePosixPath

import click

from grading.cli.edge import CreateApp, service
from grading.db import db
from grading.errors import Fault, FaultsFound, Refused
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


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def backup(create_app: CreateApp, file: Path) -> None:
    """Write the database and all files to the tar FILE, while the service runs."""
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
        manifest = Path(folder, MANIFEST)
        manifest.write_text(json.dumps({name: _sha256(path) for name, path in names.items()}))
        part = Path(folder, "backup.tar")
        with tarfile.open(part, "w") as archive:
            archive.add(manifest, MANIFEST)
            with click.progressbar(names.items(), label="Backing up") as rows:
                for name, path in rows:
                    archive.add(path, name)
        part.replace(file)
    click.echo(f"{len(names)} files in {file}.")


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace what is there.")
@click.pass_obj
def restore(create_app: CreateApp, file: Path, force: bool) -> None:
    """Put a backup FILE back, after checking all of it. Stop the service first."""
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
        _check(Path(folder))
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


def _check(folder: Path) -> None:
    """See that every file is there and as it was; nothing is changed before."""
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
