"""Set up, show and test the service; needs nothing but Python and its standard library.

    python3 dev.py demo [--port N]     start the service with a demo program
    python3 dev.py test [ARGS...]      format, lint, types and every test; ARGS go to pytest
    python3 dev.py test --quick        the same without browser, PostgreSQL and whatever takes long
    python3 dev.py run CMD...          run the grading command
    python3 dev.py lock [--upgrade]    write requirements/*.txt anew from pyproject.toml

The virtual environment .venv is made from the hashed locks in requirements/, and again when
they change.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

# This file must stay readable to Python 3.6, so that an old one meets these words and no traceback.
if sys.version_info < (3, 11):  # noqa: UP036 - the guard is for the Pythons it calls outdated
    sys.exit(
        f"This needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.\n"
        "Name a newer one (python3.11 dev.py ...), or on Debian 12 or later, as root:\n"
        "    apt-get update && apt-get install -y python3 python3-venv ca-certificates"
    )

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# Says which lock .venv was made from ("run" or "dev") and the fingerprint of what it was made of.
STAMP = VENV / "made-from"
UNFINISHED = "unfinished"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
OWN_CERTIFICATES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


# --- the virtual environment


def absent_packages(environment: Mapping[str, str]) -> Sequence[str]:
    """Name the Debian packages without which no virtual environment can be filled here."""
    packages = []
    if not (find_spec("venv") and find_spec("ensurepip")):
        packages.append("python3-venv")
    debian = Path("/etc/debian_version").exists()
    if debian and not CERTIFICATES.exists() and not any(map(environment.get, OWN_CERTIFICATES)):
        packages.append("ca-certificates")
    return packages


def require_packages(packages: Sequence[str]) -> None:
    if packages:
        sys.exit(
            f"This machine lacks {' and '.join(packages)}. On Debian or Ubuntu, as root:\n"
            f"    apt-get update && apt-get install -y {' '.join(packages)}"
        )


def fingerprint() -> str:
    """What .venv depends on: where it lies, the locks, and the package's own metadata."""
    digest = hashlib.sha256(str(VENV).encode())
    for name in ("requirements/run.txt", "requirements/dev.txt", "pyproject.toml"):
        digest.update(hashlib.sha256((ROOT / name).read_bytes()).digest())
    return digest.hexdigest()


def has_pip(python: Path) -> bool:
    """Whether an environment runs at all; it does not when it is half made or its Python is gone."""
    return (
        python.exists() and not subprocess.run([python, "-c", "import pip"], check=False).returncode
    )


def pip_install(python: Path, *arguments: str) -> None:
    quiet = [] if sys.stdout.isatty() else ["--quiet"]
    subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", "install", *quiet, *arguments],
        stdin=subprocess.DEVNULL,
        check=True,
    )


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let a second dev.py wait while the first makes the environment."""
    import fcntl

    with open(__file__, encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def new_venv(folder: Path) -> None:
    require_packages(absent_packages(os.environ))
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)


def prepare(kind: str) -> None:
    """Make .venv hold what requirements/`kind`.txt pins and this package; do nothing if it does.

    An environment that was left unfinished or does not run is made anew. A finished one, or one
    made by hand, is brought up to date in place.
    """
    with one_at_a_time():
        wanted = fingerprint()
        held = STAMP.read_text(encoding="ascii") if STAMP.exists() else ""
        sound = held != UNFINISHED and has_pip(PYTHON)
        # dev.txt holds every pin of run.txt.
        if sound and held in (f"{kind} {wanted}", f"dev {wanted}"):
            return
        if not sound:
            if Path(sys.prefix) == VENV:
                sys.exit(f"{VENV} must be made anew: say that with a Python outside it.")
            say(f"Making {VENV}")
            shutil.rmtree(VENV, ignore_errors=True)
            VENV.mkdir()
            held = UNFINISHED
        STAMP.write_text(UNFINISHED, encoding="ascii")
        try:
            if not sound:
                new_venv(VENV)
            say(f"Installing requirements/{kind}.txt; the first time takes about half a minute")
            pip_install(
                PYTHON, "--require-hashes", "-r", str(ROOT / "requirements" / f"{kind}.txt")
            )
            # pip's hash mode refuses a local folder, so the package itself goes in apart.
            pip_install(PYTHON, "--no-deps", "--no-build-isolation", "-e", str(ROOT))
        except subprocess.CalledProcessError:
            # pip ended by itself, so an environment that worked before still does.
            STAMP.write_text(held, encoding="ascii")
            sys.exit(f"{VENV} could not be filled; the lines above say why.")
        STAMP.write_text(f"{kind} {wanted}", encoding="ascii")


# --- test


def find_chromium(environment: Mapping[str, str]) -> str:
    """The path of a Chromium, or nothing."""
    names = [environment.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    return next(filter(None, (shutil.which(name) for name in names if name)), "")


def install_chromium() -> None:
    """Install Debian's Chromium where that is allowed, and say so where it is not."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        say(
            "No Chromium here, and only root can install one with apt: see the end for what did not run."
        )
        return
    say("No Chromium here: installing it")
    apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    wanted = ["-y", "--no-install-recommends", "chromium", "fonts-liberation2"]
    for command in ([*apt, "update"], [*apt, "install", *wanted]):
        subprocess.run(
            command,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            check=False,
        )


def run_steps(
    steps: Sequence[tuple[str, Sequence[str]]], environment: Mapping[str, str]
) -> Mapping[str, int]:
    """Run every step whatever became of the one before, and give their exit codes."""
    codes, lines = {}, []
    for name, command in steps:
        say("", f"===== {name}: {' '.join(command)}")
        start = time.monotonic()
        codes[name] = subprocess.run(
            [VENV / "bin" / command[0], *command[1:]],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        ).returncode
        verdict = f"FAILED ({codes[name]})" if codes[name] else "ok"
        lines.append(f"{name:10}{verdict:14}{time.monotonic() - start:6.1f} s")
    say("", "===== all steps", *lines)
    return codes


def test(arguments: Sequence[str]) -> int:
    prepare("dev")
    quick = "--quick" in arguments
    arguments = [argument for argument in arguments if argument != "--quick"]
    if quick:
        arguments += ["-m", "not browser and not postgres and not slow"]
    elif not find_chromium(os.environ):
        install_chromium()
    # Two workers share the cores: threads of linear algebra would only wait for each other.
    single = {"OPENBLAS_NUM_THREADS": "1"}
    environment = {**single, **os.environ, "CHROMIUM": find_chromium(os.environ)}
    steps = [
        ("format", ["ruff", "format", "--check", "."]),
        ("lint", ["ruff", "check", "."]),
        ("floors", ["lint-imports", "--no-logo"]),
        ("types", ["mypy"]),
        ("templates", ["djlint", "--lint", "--quiet", "templates"]),
        # A worker begins with its half in order, so that what one test made serves the next.
        ("tests", ["pytest", "-n", "2", "--dist", "worksteal", "--durations", "10", *arguments]),
    ]
    return int(any(run_steps(steps, environment).values()))


# --- the other commands


def grading(arguments: Sequence[str]) -> int:
    prepare("run")
    command = VENV / "bin" / "grading"
    os.execv(command, [str(command), *arguments])


def demo(arguments: Sequence[str]) -> int:
    # Its matrices are small: more threads than one only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    return grading(["demo", *arguments])


def lock(arguments: Sequence[str]) -> int:
    """Pin every package for every platform, with hashes and without any index's address."""
    common = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header"]
    common += ["--no-emit-index-url", "--system-certs", "--quiet", *arguments]
    run = ["--group", "build", "pyproject.toml"]
    dev = ["--extra", "postgres", "--constraint", "requirements/run.txt"]
    for group in ("test", "oracles", "services", "browser", "lint"):
        dev += ["--group", group]
    # Apart from .venv, so that locks can be made when the present ones cannot be installed.
    with tempfile.TemporaryDirectory() as folder:
        new_venv(Path(folder))
        python = Path(folder, "bin", "python")
        pip_install(python, "--require-hashes", "-r", str(ROOT / "requirements" / "lock.txt"))
        for name, wanted in (("lock", ["--group", "lock"]), ("run", run), ("dev", [*run, *dev])):
            output = f"requirements/{name}.txt"
            say(f"Writing {output}")
            subprocess.run(
                [python, "-m", "uv", "pip", "compile", *common, *wanted, "--output-file", output],
                cwd=ROOT,
                check=True,
            )
    return 0


COMMANDS = {"demo": demo, "test": test, "run": grading, "lock": lock}


def main(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        say(__doc__.strip())
        return 0 if arguments and arguments[0] in ("-h", "--help") else 2
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except subprocess.CalledProcessError as fault:
        sys.exit(f"This failed; the lines above say why: {' '.join(map(str, fault.cmd))}")
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
