"""What a reader of a shared record is shown: read from the signed credentials that were just checked.

Nothing here is taken from the record's own lines. Pages, tables and the preview say what `ShownRecord`
says, and it holds no more than the record's owner chose to show.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from grading.credential import content
from grading.credential.content import Band, Content, Level
from grading.models import CredentialRecord
from grading.records import verifying
from grading.records.checking import Checked
from grading.records.sharing import SharedAddress
from grading.records.verifying import Verdict
from grading.workflow.credential import PublicStatus, RecordFact
from grading.workflow.issued import CredentialKind

# Only of these is more shown than the state.
OPEN = (PublicStatus.VALID, PublicStatus.EXPIRED, PublicStatus.PARTLY_REVOKED)


@dataclass(frozen=True)
class ShownCapstone:
    """The capstone as its credential says it; what is not shown is None or empty.

    Attributes
    ----------
    evidence : Mapping
        Of what the credential commits to: ``raters`` and ``rubric`` with who judged; ``method``,
        ``standard_error`` and ``raters`` with the score.
    criteria : tuple of str
        What was assessed; ``levels`` is what was reached on each.
    """

    title: str
    awarded: date
    band: str | None
    bands: tuple[Band, ...]
    provisional: bool
    value: str | None
    evidence: Mapping[str, Any]
    criteria: tuple[str, ...]
    levels: tuple[Level, ...]
    group: int | None
    identity: str
    hours: float | None


@dataclass(frozen=True)
class ShownRecord:
    """A record at one of its addresses.

    Attributes
    ----------
    ended_at : datetime or None
        When it, or a part of it, was replaced or revoked.
    newer : str or None
        The address of what replaced it, if its reader may be led there.
    person : Content or None
        The newest of the documents, for the names on it and whether the learner's was verified; None
        where only the state is shown, and then everything below is empty.
    completed, until : date or None
        When the program was completed, and the last day on which that holds.
    updated : datetime or None
        When the newest of what is shown was signed.
    files : tuple of Checked
        Those whose signed files its reader may fetch.
    """

    public_id: str
    status: PublicStatus
    ended_at: datetime | None
    newer: str | None
    shows: frozenset[RecordFact]
    verdict: Verdict
    person: Content | None = None
    program: str = ""
    completed: date | None = None
    until: date | None = None
    updated: datetime | None = None
    courses: tuple[Content, ...] = ()
    capstone: ShownCapstone | None = None
    files: tuple[Checked, ...] = ()


def show(address: SharedAddress, verdict: Verdict) -> ShownRecord:
    """Give what stands at an address to whoever opens it, by what checking its record found."""
    record = address.record
    status = verifying.word(record.state, verdict)
    shown = ShownRecord(
        address.public_id,
        status,
        record.replaced_at or record.revoked_at or verdict.revoked_at,
        address.newer,
        address.shows,
        _as_titled(verdict, address.shows),
    )
    return _filled(shown, verdict) if status in OPEN else shown


def whole(record: CredentialRecord) -> SharedAddress:
    """Give an address at which all that a record's credentials say is shown, as its owner sees it."""
    return SharedAddress(record.public_id, record, None, frozenset(RecordFact))


def vouched_for(shown: ShownRecord) -> set[str]:
    """Give the ids of the courses and grades for which a credential that holds vouches."""
    if shown.person is None:
        return set()
    credentials = (one.credential for one in shown.verdict.checked)
    return {one.course_id or one.grade_id or "" for one in credentials} - {""}


def _as_titled(verdict: Verdict, shows: frozenset[RecordFact]) -> Verdict:
    """Leave out the titles of courses where they are not shown."""
    if RecordFact.COURSES in shows:
        return verdict
    checked = (
        replace(one, title="") if one.credential.kind == CredentialKind.COURSE else one
        for one in verdict.checked
    )
    return replace(verdict, checked=tuple(checked))


def _filled(shown: ShownRecord, verdict: Verdict) -> ShownRecord:
    read = [(one, content.read(one.credential.document or {})) for one in verdict.checked]
    newest = max((said for _checked, said in read), key=lambda said: said.made)
    by_kind: dict[str, list[tuple[Checked, Content]]] = {}
    for checked, said in read:
        by_kind.setdefault(checked.credential.kind, []).append((checked, said))
    whole = next((said for _checked, said in by_kind.get(CredentialKind.PROGRAM, ())), None)
    capstone = next(iter(by_kind.get(CredentialKind.CAPSTONE, ())), None)
    courses = [said for _checked, said in by_kind.get(CredentialKind.COURSE, ())]
    return replace(
        shown,
        person=newest,
        program=(whole or newest).program,
        completed=whole.awarded if whole else None,
        until=whole.until if whole else None,
        updated=newest.made,
        courses=tuple(courses) if RecordFact.COURSES in shown.shows else (),
        capstone=_capstone(*capstone, shown.shows) if capstone else None,
        files=verdict.checked if RecordFact.FILES in shown.shows else (),
    )


def _capstone(checked: Checked, said: Content, shows: frozenset[RecordFact]) -> ShownCapstone:
    wanted = set()
    if RecordFact.JUDGED in shows:
        wanted |= {"raters", "rubric"}
    if RecordFact.SCORE in shows:
        wanted |= {"raters", "method", "standard_error"}
    level, criteria = RecordFact.LEVEL in shows, RecordFact.CRITERIA in shows
    judged = RecordFact.JUDGED in shows
    return ShownCapstone(
        title=said.title,
        awarded=said.awarded,
        band=said.band if level else None,
        bands=said.bands if level else (),
        provisional=said.provisional and level,
        value=said.value if RecordFact.SCORE in shows else None,
        # Its digest stands in the document, and was checked.
        evidence={
            name: fact
            for name, fact in (checked.credential.evidence or {}).items()
            if name in wanted
        },
        criteria=tuple(one.title for one in said.levels) if judged or criteria else (),
        levels=said.levels if criteria else (),
        group=said.group if judged else None,
        identity=said.identity if judged else "",
        hours=said.hours,
    )
