"""grading people export, and what taking credentials out leaves in the log of disclosures."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from grading.ledger import verifying
from grading.models import Disclosure, Person
from tests.cli.test_credentials import Grading, grading
from tests.issuing import installation, released, small_keys, work, world

__all__ = ["grading", "installation", "released", "small_keys", "work", "world"]


def test_everything_about_somebody_in_a_file_and_a_line_in_their_log(
    grading: Grading, act: Callable[[], Any], released: dict[str, Any], tmp_path: Path
) -> None:
    with act() as session:
        email = session.get_one(Person, released["learner"]).email
    path = tmp_path / "alder.zip"
    grading("people", "export", email, path, "--ground", "Letter of 3 May")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
        [account] = json.loads(archive.read("data/account.json"))
        [line] = json.loads(archive.read("data/disclosures.json"))
    assert manifest["person"] == account["id"] == released["learner"]
    assert (line["what"], line["note"]) == ("export", "Letter of 3 May")
    again = grading("people", "export", email, path, code=1)
    assert "There is a file" in again.output
    folder = tmp_path / "out"
    grading("credential", "export", "--cohort", released["cohort"], "--learner", email, folder)
    with act() as session:
        lines = session.scalars(select(Disclosure).order_by(Disclosure.at)).all()
        assert [(one.what, one.person_id, one.ground) for one in lines] == [
            ("export", released["learner"], "request"),
            ("credentials", released["learner"], "contract"),
        ]
        assert [fault for report in verifying.verify(session) for fault in report.faults] == []
