"""The grading plan: presets, reading, and every fault at once."""

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from grading.errors import FaultsFound
from grading.measurement.scoring.scale import graded
from grading.models import PlanVersion
from grading.workflow import plan as plans
from grading.workflow.choices import choice


def faults_of(data: dict[str, object]) -> dict[str, str]:
    with pytest.raises(FaultsFound) as caught:
        plans.from_dict(data)
    return {fault.where: str(fault) for fault in caught.value.faults}


@pytest.mark.parametrize("name", sorted(plans.PRESETS))
def test_a_preset_reads_back_as_itself(name: str) -> None:
    preset = plans.PRESETS[name]
    assert preset.preset == name
    assert plans.from_dict(preset.to_dict()) == preset
    assert plans.from_dict({"preset": name}) == preset


def test_the_default_is_what_the_program_office_wants() -> None:
    plan = plans.PRESETS["certification"]
    assert (plan.peer_readings, plan.peers_needed, plan.professional_readings) == (3, 2, 1)
    assert (plan.second_share, plan.second_minimum) == (0.2, 30)
    assert (plan.tolerance_levels, plan.tolerance_total, plan.tolerance_cut) == (1, 15.0, True)
    assert (plan.cut, plan.sign_offs, plan.undo_minutes) == (60.0, 2, 10.0)
    assert [low for low, _ in plan.bands] == [60.0, 70.0, 85.0]


def test_presets_differ_where_they_should() -> None:
    course, economy = plans.PRESETS["course"], plans.PRESETS["economy"]
    assert (course.second_share, course.sign_offs) == (0.1, 1)
    assert economy.professional_share < 1
    assert economy.readings_before_not_passed == 1


def test_every_fault_is_named_at_once() -> None:
    faults = faults_of(
        {
            "preset": "splendid",
            "peers": 3,
            "peer_readings": "three",
            "second_share": 1.5,
            "tolerance_cut": "yes",
            "cut": True,
            "bands": [[70, "Pass"], [60, "Merit"]],
            "most_holds": 2.5,
        }
    )
    assert set(faults) == {
        "preset", "peers", "peer_readings", "second_share", "tolerance_cut", "cut", "bands", "most_holds",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"peer_readings": 1, "peers_needed": 2}, "peers_needed"),
        ({"professional_share": 0.5, "peers_needed": 0}, "professional_share"),
        ({"cut": 50.0}, "bands"),
        ({"grader_hold_hours": 30.0}, "grader_hold_hours"),
        ({"results_day": 3}, "results_day"),
        ({"peer_days": 20}, "peer_days"),
    ],
)
def test_contradictions_are_refused(data: dict[str, object], field: str) -> None:
    assert field in faults_of(data)


def test_the_digest_follows_every_field() -> None:
    base = plans.PRESETS["course"]
    assert plans.from_dict({"preset": "course", "near_cut": 4.0}).digest != base.digest
    assert plans.from_dict({"preset": "course"}).digest == base.digest


@pytest.mark.parametrize(
    ("value", "band"),
    [(59.0, None), (60.0, "Pass"), (84.0, "Pass with merit"), (100.0, "Pass with distinction")],
)
def test_bands(value: float, band: str | None) -> None:
    assert graded(value, plans.PRESETS["course"].bands).band == band


# Choices that every plan has had; what comes later says what plans meant that did not know it.
ALWAYS_SAID = 74
RETENTION = {
    item.name
    for item in dataclasses.fields(plans.GradingPlan)
    if item.metadata["group"] == "Retention"
}
# Kept by earlier versions, as they wrote them.
KEPT = sorted(Path(__file__).with_name("plans").glob("*.json"))


def test_choices_that_came_later_leave_the_digest_of_plans_that_did_not_know_them() -> None:
    # What the migrations gave such plans, so that their cohorts go on as they were agreed.
    later = {
        "calibration": "off",
        "check_every": 0,
        "peer_weight": 0.0,
        "gate_wrong_side": 1.0,
        "step_up": "off",
        "identity_checked": False,
    }
    assert later == plans.unsaid_choices(plans.GradingPlan)
    plan = plans.from_dict({"preset": "certification"} | later)
    data = plan.to_dict()
    for name, value in later.items():
        assert data.pop(name) == value
    # How long things are kept changes no score.
    for name in RETENTION:
        del data[name]
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    assert plan.digest == hashlib.sha256(text.encode()).hexdigest()
    for name, other in (("step_up", "either"), ("peer_weight", 0.1), ("identity_checked", True)):
        changed = {"preset": "certification"} | later | {name: other}
        assert plans.from_dict(changed).digest != plan.digest


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_plan_that_an_earlier_version_kept_means_what_it_meant(path: Path) -> None:
    kept = json.loads(path.read_text())
    plan = PlanVersion(choices=kept["choices"]).plan
    assert plan.digest == kept["digest"]
    meant = json.loads(json.dumps(plan.to_dict()))
    assert {name: meant[name] for name in kept["choices"]} == kept["choices"]
    assert plan.step_up == kept["choices"].get("step_up", "off")
    assert plan.identity_checked is False


def test_a_choice_whose_absence_meant_none_can_come_later() -> None:
    @dataclasses.dataclass(frozen=True)
    class LaterPlan(plans.GradingPlan):
        most_appeals: int | None = choice("Appeals", 5, "Most appeals", "Why.", unsaid=None)

    before = plans.PRESETS["certification"]
    assert plans.unsaid_choices(LaterPlan)["most_appeals"] is None
    assert LaterPlan(most_appeals=None).digest == before.digest
    assert LaterPlan().digest != before.digest


def test_a_new_choice_says_what_plans_meant_before_it() -> None:
    always = {item.name for item in dataclasses.fields(plans.GradingPlan)} - set(
        plans.unsaid_choices(plans.GradingPlan)
    )
    assert len(always - RETENTION) == ALWAYS_SAID


def test_who_releases_shows_that_it_is_them_by_default_where_certificates_hang_on_it() -> None:
    assert {name: plan.step_up for name, plan in plans.PRESETS.items()} == {
        "certification": "passkey",
        "course": "off",
        "economy": "off",
    }
    with pytest.raises(FaultsFound, match="step_up"):
        plans.from_dict({"step_up": "fingerprint"})


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_what_is_no_number_is_no_choice(number: float) -> None:
    for name in ("cut", "peer_readings", "grader_load"):
        with pytest.raises(FaultsFound, match=name):
            plans.from_dict({name: number})
    with pytest.raises(FaultsFound, match="bands"):
        plans.from_dict({"bands": [[number, "Pass"]]})
    with pytest.raises(FaultsFound, match="bands"):
        plans.from_dict({"bands": [[60, 7]]})
