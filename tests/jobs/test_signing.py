"""Our key signs what acts did, not what the tables say."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from grading.credential import status
from grading.models import IssuedCredential, Job, Person, Sponsor, StatusList
from grading.office.needs import service
from grading.office.needs.base import Kind
from grading.records import credentials, issuers
from grading.records.queries import program_record
from tests.issuing import installation, of, released, small_keys, work, world

__all__ = ["installation", "released", "small_keys", "work", "world"]

pytestmark = pytest.mark.usefixtures("any_database")

Act = Callable[[], Any]
LATER = timedelta(days=1)


def revoked(act: Act, released: dict[str, Any], work: Callable[[Any], int]) -> tuple[str, str]:
    """Revoke a course's credential; gives its id and another one's, both in one signed list."""
    with act() as session:
        first, second, *_others = of(session, released, kind="course")
        revoke(session, released, first)
        ids = first.id, second.id
    work(released["at"] + LATER)
    return ids


def revoke(session: Any, released: dict[str, Any], credential: IssuedCredential) -> None:
    administrator = session.get_one(Person, released["administrator"])
    now = released["at"] + LATER
    credentials.revoke_credential(session, administrator, credential, reason="Wrong.", now=now)


def bits(session: Any, *ids: str) -> list[bool]:
    """Say for each credential whether its bit in the list that is served is set."""
    [served] = session.scalars(select(StatusList.document))
    encoded = served["credentialSubject"]["encodedList"]
    return [
        status.is_set(encoded, session.get_one(IssuedCredential, one).status_index) for one in ids
    ]


SET_BACK = (
    "UPDATE issued_credential SET state = 'valid', ended_at = NULL, about = 'again' WHERE id = :id"
)


@pytest.mark.parametrize(
    "change", [SET_BACK, "UPDATE status_list SET document = NULL"], ids=["row", "row and list"]
)
def test_a_bit_once_set_is_never_cleared(
    act: Act, released: dict[str, Any], work: Callable[[Any], int], change: str
) -> None:
    ended, other = revoked(act, released, work)
    with act() as session:
        assert bits(session, ended, other) == [True, False]
        for statement in {SET_BACK, change}:
            session.execute(text(statement), {"id": ended} if ":id" in statement else {})
        revoke(session, released, session.get_one(IssuedCredential, other))
    work(released["at"] + 2 * LATER)
    with act() as session:
        assert bits(session, ended, other) == [True, True]
        [failed] = session.scalars(
            select(Job).where(Job.state == "failed", Job.topic == "status_list")
        )
        assert f"credential {ended} is valid, and an act ended it" in failed.error
        assert "Traceback" not in failed.error


def test_a_credential_that_no_act_ended_is_not_signed_as_revoked(
    act: Act, released: dict[str, Any], work: Callable[[Any], int]
) -> None:
    ended, other = revoked(act, released, work)
    with act() as session:
        session.execute(
            text(
                "UPDATE issued_credential SET state = 'revoked', ended_at = issued_at WHERE id = :id"
            ),
            {"id": other},
        )
        [listed] = session.scalars(select(StatusList))
        credentials.renew_status_list(
            session, listed, because="again", now=released["at"] + 2 * LATER
        )
    work(released["at"] + 2 * LATER)
    with act() as session:
        assert bits(session, ended, other) == [True, False]
        [failed] = session.scalars(select(Job).where(Job.state == "failed"))
        assert f"credential {other} has ended, and no act ended it" in failed.error


CHANGES = {
    "an entry of the record": (
        "UPDATE record_entry SET detail = :detail WHERE record_id = :record AND grade_id IS NOT NULL"
    ),
    "a grade": "UPDATE grade SET value = '99' WHERE person_id = :person",
    "a score": "UPDATE score SET composite = 99",
    "the name": "UPDATE credential_record SET name = 'Professor' WHERE id = :record",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_what_was_changed_in_the_tables_is_not_signed(
    act: Act, released: dict[str, Any], work: Callable[[Any], int], change: str
) -> None:
    now = released["at"] + LATER
    with act() as session:
        before = {one.id for one in of(session, released)}
        record = program_record.current_record(session, released["program"], released["learner"])
        named = {
            "record": record.id,
            "person": released["learner"],
            "detail": json.dumps(record.capstone.detail | {"value": "99"}),
        }
        session.execute(
            text(change), {name: value for name, value in named.items() if f":{name}" in change}
        )
        # Everything is to be issued anew, by other keys.
        for key in issuers.active(session, session.get_one(Sponsor, released["sponsor"])).values():
            issuers.withdraw(session, None, key, reason="Lost.", now=now)
    work(now)
    with act() as session:
        assert {one.id for one in of(session, released)} == before
        failed = {
            job.payload["person"]: job.error
            for job in session.scalars(select(Job).where(Job.state == "failed"))
        }
        assert failed[released["learner"]].startswith("Nothing was signed")
        assert [need.kind for need in service.failed_jobs(session, now)] == [Kind.JOBS_FAILED]
