"""What the documents say of the code is so: paths are there, and recipes name just the files they touch."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
TOP = ("grading", "tests", "templates", "static", "rubrics", "docs", "benchmarks", "requirements")
PLACE = re.compile(rf"`((?:{'|'.join(TOP)})/[\w./-]*)`")


def recipes() -> dict[str, tuple[str, set[str]]]:
    """Give, by title, a recipe's example and the files it lists."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = {}
    for part in text[text.index("## Recipes") :].split("\n### ")[1:]:
        example = re.search(r"^Example: `(.+)`$", part, re.M)
        if example:
            files = {place for place in PLACE.findall(part) if not place.endswith("/")}
            found[part.splitlines()[0]] = (example[1], files)
    return found


def files_with(words: str) -> set[str]:
    """List the files of the program, and the tests, in which words stand, as git knows them."""
    listed = subprocess.run(
        ["git", "grep", "--untracked", "-lwF", "-e", words, "--", "grading", "tests"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    # Old plans are kept as they were, and name every choice.
    return {path for path in listed.stdout.split() if not path.startswith("tests/workflow/plans/")}


def test_every_place_that_a_document_names_is_there() -> None:
    absent = [
        f"{document.name}: {place}"
        for document in DOCUMENTS
        for place in PLACE.findall(document.read_text(encoding="utf-8"))
        if not (ROOT / place).exists()
    ]
    assert absent == []


def test_a_recipe_lists_the_files_in_which_its_example_stands() -> None:
    wrong = {}
    for title, (example, listed) in recipes().items():
        program = {path for path in files_with(example) if path.startswith("grading/")}
        missing, idle = program - listed, listed - files_with(example)
        if missing or idle:
            wrong[title] = (sorted(missing), sorted(idle))
    assert len(recipes()) >= 4
    assert wrong == {}
