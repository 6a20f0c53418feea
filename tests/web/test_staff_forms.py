"""Forms of those who run a cohort: what was typed is kept, and each fault stands at its field."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from grading.cohorts import conflicts
from grading.models import ConflictOfInterest
from grading.workflow.cohort import Role
from tests import factories
from tests.database import NOW, Clock


def test_a_refused_withdrawal_of_a_conflict_keeps_its_reason_in_its_own_row(
    act: Callable[[], Any], sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=2)
        for learner in cast.learners[:2]:
            conflicts.declare_conflict(
                session,
                cast.administrator,
                cast.cohort,
                rater=cast.instructor,
                learner=learner,
                reason="They are cousins.",
                now=NOW,
            )
        cohort, instructor = cast.cohort.id, cast.instructor.id
        conflict, other = session.scalars(select(ConflictOfInterest.id)).all()
    address = f"/admin/cohorts/{cohort}/conflicts/{conflict}/withdraw"
    client = sign_in(instructor)
    without = client.post(address, data={"reason": " "})
    assert without.status_code == 422
    assert f'href="#{conflict}-reason"' in without.text
    assert f'id="{conflict}-reason-error"' in without.text
    assert f'id="{other}-reason-error"' not in without.text
    mine = client.post(address, data={"reason": "They are none."})
    assert (mine.status_code, "a colleague decides this" in mine.text) == (422, True)
    assert mine.text.count('value="They are none."') == 1


def test_a_day_that_cannot_be_read_is_said_at_its_field_and_the_rest_is_kept(
    act: Callable[[], Any], sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=2)
        cohort, coordinator, grader = cast.cohort.id, cast.coordinator.id, cast.graders[0].id
    client = sign_in(coordinator)
    page = client.post(
        f"/teach/{cohort}/absences", data={"person": grader, "starts_on": "2026-07-01"}
    )
    assert (page.status_code, "Give a day." in page.text) == (422, True)
    assert 'href="#ends_on"' in page.text
    assert 'href="#starts_on"' not in page.text
    assert 'value="2026-07-01"' in page.text
    assert f'<option selected value="{grader}">' in page.text


def test_more_time_is_looked_at_before_it_is_granted_and_its_faults_come_together(
    act: Callable[[], Any], sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=2)
        cohort, coordinator, learner = cast.cohort.id, cast.coordinator.id, cast.learners[0].id
    address = f"/teach/{cohort}/extensions/{learner}"
    client = sign_in(coordinator)
    wrong = client.post(address, data={"days": "0", "more": "days", "then": "preview"})
    assert wrong.status_code == 422
    for href in ("#kind-0", "#days", "#reason"):
        assert f'href="{href}"' in wrong.text
        assert f'id="{href[1:]}"' in wrong.text
    asked = {"kind": "extension", "more": "days", "days": "3", "reason": "A broken arm."}
    looked = client.post(address, data=asked | {"then": "preview"})
    assert (looked.status_code, "What this changes" in looked.text) == (200, True)
    assert '<input type="hidden" name="reason" value="A broken arm.">' in " ".join(
        looked.text.split()
    )
    assert client.post(address, data=asked | {"then": "grant"}).status_code == 303
    assert "A broken arm." in client.get(address).text


def test_a_plan_is_shown_again_as_it_was_written_and_a_look_saves_nothing(
    act: Callable[[], Any], sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        coordinator = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW).id
        choices = cohort.plan.to_dict()
        cohort_id = cohort.id
    sent: dict[str, Any] = {
        name: ("yes" if value else "no") if isinstance(value, bool) else str(value)
        for name, value in choices.items()
        if name != "bands" and value is not None
    }
    sent |= {
        "band_low": [str(low) for low, _name in choices["bands"]],
        "band_name": [name for _low, name in choices["bands"]],
    }
    address, client = f"/admin/cohorts/{cohort_id}/plan", sign_in(coordinator)
    wrong = client.post(address, data=sent | {"sign_offs": "many", "band_low": ["low"]})
    assert wrong.status_code == 422
    for href in ("#sign_offs", "#bands"):
        assert f'href="{href}"' in wrong.text
        assert f'id="{href[1:]}"' in wrong.text
    assert 'value="many"' in wrong.text
    assert 'value="low"' in wrong.text
    looked = client.post(address, data=sent | {"look": "yes"})
    assert (looked.status_code, "this is the version that is saved" in looked.text) == (200, True)
    changed = sent | {"sign_offs": "2" if sent["sign_offs"] == "1" else "1"}
    looked = client.post(address, data=changed | {"look": "yes"})
    assert '<a href="#sign_offs">' in looked.text
    assert "Version 2" not in client.get(address).text
    assert client.post(address, data=changed).status_code == 303
    assert "Version 2" in client.get(address).text
