"""What is installed: the wheel alone, in a folder of its own, without the source tree."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_all_it_needs_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        texts = [archive.read(name) for name in names if name.endswith((".py", ".html", ".toml"))]
    for name in (
        "grading/_assets/templates/base.html",
        "grading/_assets/static/css/site.css",
        "grading/_assets/rubrics/data-capstone.toml",
        "grading/migrations/versions/v0014_all_tables.py",
        "grading/cli/demo/texts/projects.toml",
    ):
        assert name in names
    assert not [name for name in names if name.startswith("tests/")]
    assert not any(str(ROOT).encode() in text for text in texts)


@pytest.mark.slow
def test_the_installed_command_works_away_from_the_source(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--target",
            str(target),
            str(wheel),
        ],
        check=True,
        capture_output=True,
    )
    # The wheel's own folder comes first; its dependencies are those of this environment.
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{target}{os.pathsep}{sysconfig.get_paths()['purelib']}",
        "GRADING_HOME": str(tmp_path / "home"),
    }

    def grading(*arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", BOOT, environment["PYTHONPATH"], *arguments],
            cwd=tmp_path,
            env=environment,
            input=given,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "init" in grading("--help")
    said = grading(
        "init", "--email", "beryl@example.org", "--name", "Beryl", "--password-stdin",
        given="a long enough password\n",
    )  # fmt: skip
    assert "can sign in now" in said
    assert "whole" in grading("audit", "verify")


BOOT = """
import os, sys
sys.path[:0] = sys.argv.pop(1).split(os.pathsep)
import grading
assert "_assets" in {p.name for p in __import__("pathlib").Path(grading.__file__).parent.iterdir()}
from grading.__main__ import main
main()
"""
