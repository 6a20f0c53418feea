"""Plant faults in the service, one at a time, and see that the tests notice each.

Run ``python -m tests.planted_faults`` for all, or give names; ``--list`` says what there is. A fault finds
its place by what the code says, not by where it stands, so it survives a move of files; spacing, line
breaks and trailing commas do not count. Nothing is changed in the working tree: a copy takes the faults.

The exit code is 0 when every fault is caught, 1 when one survives, and 2 when one could not be tried.
"""

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE, TESTS = "grading", "tests"
# A fault can keep a test from ever ending, which is noticed as well.
MOST_SECONDS = 300
PASSED, FAILED = 0, 1


class NotTried(Exception):
    """A fault has no place any more, or its tests cannot be run; this says nothing about the tests."""


@dataclass(frozen=True)
class Fault:
    """A fault that the tests must catch.

    Attributes
    ----------
    name, breaks : str
        A short name, and what no longer holds.
    old, new : str
        What stands exactly once in the package, and what is put in its place; further lines of it are
        indented as the first.
    tests : tuple of str
        Names of test files, wherever they lie.
    only : str
        Which tests of these files, as pytest's ``-k`` takes it.
    """

    name: str
    breaks: str
    old: str
    new: str
    tests: tuple[str, ...]
    only: str = "not postgresql"


FAULTS: tuple[Fault, ...] = (
    Fault(
        "sign-in-limit",
        "One more password can be tried without a wait than the limit allows.",
        "timedelta(0) if beyond < 0 else",
        "timedelta(0) if beyond <= 0 else",
        ("test_sign_in.py",),
        "guesses and not postgresql",
    ),
    Fault(
        "approval-replay",
        "A challenge that was signed once is good for a second signature.",
        "Challenge.used_at.is_(None), Challenge.expires_at > now",
        "Challenge.expires_at > now",
        ("test_approvals.py",),
        "replay and not postgresql",
    ),
    Fault(
        "refund-in-silence",
        "A refund revokes a credential though nobody said that it may.",
        "consequences.settle(session, actor, [resting], decided, now=now)",
        "resting.amend and resting.amend()",
        ("test_entitlements.py",),
        "refund_after_issue and not postgresql",
    ),
    Fault(
        "conflict-without-entry",
        "A declared conflict of interest leaves no audit entry.",
        "note_conflict(session, actor, conflict, now=now) return conflict",
        "return conflict",
        ("test_setting_up.py",),
        "conflict and not postgresql",
    ),
    Fault(
        "digest-without-content",
        "What a learner affirms is not bound to the content of the files.",
        "[file.kind, file.size, file.sha256]",
        "[file.kind, file.size]",
        ("test_submissions.py",),
        "digest and not postgresql",
    ),
    Fault(
        "member-left-out",
        "A release gives a group's result to one of its members alone.",
        "for person in terms.people[submission.id] ]",
        "for person in terms.people[submission.id][:1]]",
        ("test_groups.py",),
        "one_grade and not postgresql",
    ),
    Fault(
        "used-time",
        "More time is taken back from a learner who handed in within it.",
        "days.get(extension.person_id, 0) - extension.days",
        "days.get(extension.person_id, 0)",
        ("test_extensions.py",),
        "used and not postgresql",
    ),
    Fault(
        "conflict-ignored",
        "The draw gives a work to a rater with a conflict of interest.",
        "_conflict.cohort_id == _author.cohort_id",
        "_conflict.cohort_id != _author.cohort_id",
        ("test_grading.py",),
        "conflict and not postgresql",
    ),
    Fault(
        "draft-lost",
        "A draft no longer keeps its item for its rater when the hold ends.",
        "DRAFT_KEPT if allocation.begun_at is not None else timedelta(0)",
        "timedelta(0)",
        ("test_reviews.py",),
        "expired_hold and not postgresql",
    ),
    Fault(
        "sealed-sheet-changed",
        "A sheet is changed after it was finished or sealed.",
        "in (AllocationState.FINISHED, AllocationState.SEALED): raise Refused(",
        "in (): raise Refused(",
        ("test_reviews.py",),
        "not postgresql",
    ),
    Fault(
        "own-alarm",
        "A lead answers an alarm about themself.",
        "if alarm.person_id == lead.id:",
        "if False:",
        ("test_monitoring.py",),
        "about_themself and not postgresql",
    ),
    Fault(
        "set-aside-counted",
        "A rating that was set aside still counts in the score.",
        "if criterion.code not in reading.set_aside",
        "if criterion.code",
        ("test_resolution.py",),
        "set_aside and not postgresql",
    ),
    Fault(
        "struck-counted",
        "A reading that was struck still counts in the score.",
        "return reading.id.in_(select(StruckReading.allocation_id))",
        "return reading.id.is_(None)",
        ("test_appeals.py",),
        "struck and not postgresql",
    ),
    Fault(
        "one-signs-twice",
        "The person who proposed a release signs as the second.",
        "any(sign_off.person_id == actor.id for sign_off in release.sign_offs)",
        "False",
        ("test_releases.py",),
        "two_sign and not postgresql",
    ),
    Fault(
        "same-reader",
        "Whoever gave a reading in question decides the appeal.",
        "apart_from=appeal.allocation_id ) or",
        "apart_from=appeal.allocation_id) and",
        ("test_appeals.py",),
        "no_reader_of and not postgresql",
    ),
    Fault(
        "witness-decides",
        "Whoever gave evidence decides the case.",
        "all(one.by_id != actor.id for one in case.evidence)",
        "actor.id != case.opened_by_id",
        ("test_misconduct.py",),
        "who_decides and not postgresql",
    ),
    Fault(
        "complete-too-soon",
        "A record is complete though courses of the program are missing.",
        "if passed and courses >= wanted and record.completed_at is None:",
        "if passed and record.completed_at is None:",
        ("test_entitlements.py",),
        "free_track and not postgresql",
    ),
    Fault(
        "revoked-shown-valid",
        "A revoked credential is shown as valid.",
        "elif look.refused(wanted): revoked = True",
        "elif look.refused(wanted):\n            revoked = False",
        ("test_vouchers.py",),
        "revoked and not postgresql",
    ),
    Fault(
        "export-of-the-erased",
        "The export of an erased person holds what only the living account was to get.",
        "if part.kept_by_law or erased_at is None",
        "if True",
        ("test_erasure.py",),
        "export_of_the_erased and not postgresql",
    ),
    Fault(
        "resend-without-key",
        "A job that is asked for twice stops whoever asks again.",
        "statement = insert(Job).on_conflict_do_nothing(index_elements=[Job.key])",
        "statement = insert(Job)",
        ("test_setting_up.py",),
        "link_often and not postgresql",
    ),
    Fault(
        "lease-ignored",
        "A job that one worker has is taken by another before its lease ends.",
        "(Job.state == JobState.RUNNING) & (Job.lease_until < now)",
        "(Job.state == JobState.RUNNING)",
        ("test_worker.py",),
        "lease_ends and not postgresql",
    ),
    Fault(
        "reason-not-chained",
        "The reason of an audit entry can be changed unseen.",
        "after, reason, *([] if sealed is None else [sealed]), ]",
        "after]",
        ("test_audit.py",),
        "changed_entry and not postgresql",
    ),
    Fault(
        "permission-dropped",
        "Coordinators no longer check who learners are.",
        "P.IDENTITY_CHECK: frozenset({R.COORDINATOR})",
        "P.IDENTITY_CHECK: frozenset()",
        ("test_identity_pages.py",),
        "noted_and_leaves and not postgresql",
    ),
    Fault(
        "csrf-unchecked",
        "A form is taken from any page on the web: tokens are given out and never asked for.",
        "CSRFProtect(app)",
        'CSRFProtect(app); app.config["WTF_CSRF_CHECK_DEFAULT"] = False',
        ("test_learner_pages.py",),
        "without_its_token and not postgresql",
    ),
    Fault(
        "late-question-untold",
        "A question that its reader leaves alone waits for nobody.",
        "or_(Explanation.owner_id.is_(None), Explanation.answer_by < now)",
        "Explanation.owner_id.is_(None)",
        ("test_needs.py",),
        "question and not postgresql",
    ),
    Fault(
        "deadline-a-day-late",
        "What ends with a day ends a day late.",
        "return instant(local_day(at, zone) + timedelta(days=days), LAST_MINUTE, zone)",
        "return instant(local_day(at, zone) + timedelta(days=days + 1), LAST_MINUTE, zone)",
        ("test_appeals.py",),
        "the_window and not postgresql",
    ),
    Fault(
        "weights-off",
        "A rubric is taken whose weights do not sum to 100.",
        "abs(math.fsum(weights) - 100) > 1e-6",
        "math.fsum(weights) > 100 + 1e-6",
        ("test_loading.py",),
    ),
    Fault(
        "band-at-the-cut",
        "A value that is the lowest of a band does not reach it.",
        "if value >= Decimal(str(low))",
        "if value > Decimal(str(low))",
        ("test_resolution.py",),
        "the_band",
    ),
    Fault(
        "icc-degrees-of-freedom",
        "Intervals of intraclass correlations have the degrees of freedom of a one-way design.",
        "n - 1, (n - 1) * (k - 1), tail",
        "n - 1, n * (k - 1), tail",
        ("test_icc_and_concordance.py",),
        "shrout or wong",
    ),
    Fault(
        "level-rounded-up",
        "A credential names a level that was not wholly reached.",
        "int(self.level + 1e-9)",
        "round(self.level)",
        ("test_documents.py",),
        "rounded_up",
    ),
)


def places(snippet: str) -> re.Pattern[str]:
    """Give a pattern that finds a snippet however its lines are broken."""
    tokens = re.findall(r"\w+|[^\w\s]", snippet)
    # A comma before a closing bracket comes and goes with the line break.
    tokens = [
        token
        for token, after in zip(tokens, [*tokens[1:], ""], strict=True)
        if not (token == "," and after and after in ")]}")
    ]
    pattern = r"(?<!\w)" if _is_word(tokens[0]) else ""
    for before, token in zip(["", *tokens], tokens, strict=False):
        if before:
            pattern += r"\s+" if _is_word(before) and _is_word(token) else r"\s*"
        if before and token in ")]}":
            pattern += r"(?:,\s*)?"
        pattern += re.escape(token)
    return re.compile(pattern + (r"(?!\w)" if _is_word(tokens[-1]) else ""))


def _is_word(token: str) -> bool:
    return re.fullmatch(r"\w+", token) is not None


def plant(fault: Fault, copy: Path) -> tuple[Path, str]:
    """Put a fault into a copy; gives the file and what stood in it.

    Raises
    ------
    NotTried
        The snippet does not stand in the package exactly once, or the fault is no Python.
    """
    pattern = places(fault.old)
    found: list[tuple[Path, str, re.Match[str]]] = []
    for path in sorted((copy / PACKAGE).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found += [(path, text, match) for match in pattern.finditer(text)]
    if len(found) != 1:
        where = ", ".join(str(path.relative_to(copy)) for path, _, _ in found)
        raise NotTried(f"not found: its place is there {len(found)} times {where}".rstrip())
    path, text, match = found[0]
    line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
    indent = line[: len(line) - len(line.lstrip())]
    faulty = text[: match.start()] + fault.new.replace("\n", f"\n{indent}") + text[match.end() :]
    try:
        compile(faulty, str(path), "exec")
    except SyntaxError as error:
        raise NotTried(f"no Python: {error}") from error
    write(path, faulty)
    return path, text


def write(path: Path, text: str) -> None:
    """Write a module, and drop what was compiled of it: two versions can look alike by time and size."""
    path.write_text(text, encoding="utf-8")
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


def files_of(fault: Fault, copy: Path) -> list[str]:
    """Find the test files of a fault by their names; raises `NotTried` when one is not there."""
    found: list[str] = []
    for name in fault.tests:
        there = sorted((copy / TESTS).rglob(name))
        if not there:
            raise NotTried(f"not found: no test file is called {name}")
        found += [str(path.relative_to(copy)) for path in there]
    return found


def run(fault: Fault, copy: Path) -> tuple[int | None, str]:
    """Run the tests of a fault in a copy; gives pytest's exit code (None: no end) and the failing test."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += [*files_of(fault, copy), *(["-k", fault.only] if fault.only else [])]
    try:
        ended = subprocess.run(
            command, cwd=copy, capture_output=True, text=True, check=False, timeout=MOST_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None, f"no end within {MOST_SECONDS} s"
    if ended.returncode == PASSED:
        return PASSED, ""
    lines = f"{ended.stdout}\n{ended.stderr}".strip().splitlines()
    told = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
    return ended.returncode, (told or lines[-1:] or ["nothing was said"])[0]


def try_out(fault: Fault, copy: Path) -> tuple[bool, str]:
    """Plant a fault, run its tests and take it out again; says whether it was caught, and by what.

    Raises
    ------
    NotTried
        It has no place, or its tests cannot be run.
    """
    path, text = plant(fault, copy)
    try:
        code, told = run(fault, copy)
    finally:
        write(path, text)
    if code not in (PASSED, FAILED, None):
        raise NotTried(f"the tests could not be run (exit code {code}): {told}")
    return code != PASSED, told


def check_clean(faults: Sequence[Fault], copy: Path) -> Iterator[tuple[Fault, str]]:
    """Run the tests of faults on an unchanged copy, each selection once; yields what does not pass."""
    known: dict[tuple[tuple[str, ...], str], str | None] = {}
    for fault in faults:
        key = (fault.tests, fault.only)
        if key not in known:
            try:
                code, told = run(fault, copy)
                known[key] = None if code == PASSED else told
            except NotTried as error:
                known[key] = str(error)
        if (wrong := known[key]) is not None:
            yield fault, wrong


def copy_repository(to: Path) -> None:
    """Copy what git knows, or would take, as it stands in the working tree."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in sorted(set(listed.split("\0")) - {""}):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def chosen(names: Sequence[str]) -> tuple[Fault, ...]:
    """Give the faults of some names, all of them for none; an unknown name ends the program."""
    known = {fault.name: fault for fault in FAULTS}
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"no such fault: {', '.join(unknown)}")
    return tuple(known[name] for name in names) or FAULTS


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the faults and say what became of each."""
    parser = argparse.ArgumentParser(prog="python -m tests.planted_faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="faults to try; all by default")
    parser.add_argument("--list", action="store_true", help="say what there is, and try nothing")
    parser.add_argument(
        "--check-clean", action="store_true", help="first see that the tests pass without a fault"
    )
    given = parser.parse_args(arguments)
    faults = chosen(given.names)
    if given.list:
        for fault in faults:
            only = f" -k '{fault.only}'" if fault.only else ""
            print(f"{fault.name}: {fault.breaks} [{' '.join(fault.tests)}{only}]")
        return 0
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        copy = Path(folder)
        copy_repository(copy)
        if given.check_clean:
            unfit = list(check_clean(faults, copy))
            for fault, wrong in unfit:
                print(f"{fault.name}: NOT TRIED, its tests do not pass without it: {wrong}")
            if unfit:
                return 2
            print("all selections pass without a fault", flush=True)
        return _report(faults, copy)


def _report(faults: Sequence[Fault], copy: Path) -> int:
    caught = survived = 0
    began = time.monotonic()
    for fault in faults:
        start = time.monotonic()
        try:
            noticed, told = try_out(fault, copy)
        except NotTried as error:
            word, told = "NOT TRIED", str(error)
        else:
            word = "caught" if noticed else "SURVIVED"
            caught, survived = caught + noticed, survived + (not noticed)
        print(
            f"{fault.name}: {word} ({time.monotonic() - start:.1f} s) {told}".rstrip(), flush=True
        )
    print(f"{caught} of {len(faults)} caught ({time.monotonic() - began:.0f} s)")
    if caught + survived < len(faults):
        return 2
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
