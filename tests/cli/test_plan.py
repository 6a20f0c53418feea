"""A plan tried on simulated cohorts: what it says follows the plan, and is the same when asked again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner

from grading.cli import group
from grading.scores.rehearsal import Rehearsal, rehearse
from grading.workflow import plan as plans
from grading.workflow.staffing import certain_readings


def run(tmp_path: Path, text: str, *options: str) -> Any:
    path = tmp_path / "plan.toml"
    path.write_text(text, encoding="utf-8")
    arguments = ["plan", "simulate", str(path), "--cohort", "60", "--replications", "2", *options]
    return CliRunner().invoke(group, arguments)


def test_json_is_complete_and_the_same_twice(tmp_path: Path) -> None:
    text = 'preset = "course"\n'
    first = run(tmp_path, text, "--world", "shared-error", "--json")
    assert first.exit_code == 0, first.output
    found = json.loads(first.stdout)
    assert found["world"] == "shared-error"
    assert found["assumptions"] == {"wronged": 0.33, "others": 0.02}
    assert set(found["results"]) >= {
        "readings", "wrong_side", "wrong_band", "appeals", "false_alarms", "undecided",
    }  # fmt: skip
    assert run(tmp_path, text, "--world", "shared-error", "--json").stdout == first.stdout


def test_the_table_states_what_is_assumed_and_faults_are_named(tmp_path: Path) -> None:
    found = run(tmp_path, 'preset = "certification"\n')
    assert "appeals expected" in found.output
    assert "Assumed: 33% of learners in a band too low appeal" in found.output
    wrong = run(tmp_path, "peer_readings = 99\n")
    assert wrong.exit_code == 1
    assert "at most 12" in wrong.output
    assert run(tmp_path, "preset = \n").exit_code == 1


def one(**choices: Any) -> Rehearsal:
    plan = plans.from_dict({"preset": "course", "second_minimum": 0, "second_share": 0} | choices)
    return rehearse(plan, "plain", 60, professionals=6, rng=np.random.default_rng(5))


# Nothing but the readings that a plan gives from the start.
LOOSE = {
    "tolerance_total": 100.0, "tolerance_cut": False, "readings_near_cut": 1,
    "readings_before_not_passed": 1,
}  # fmt: skip


def test_a_simulation_gives_from_the_start_as_many_readings_as_the_service() -> None:
    cases: list[tuple[dict[str, Any], int]] = [
        ({"second_minimum": 9}, 0),
        ({"second_share": 0.12}, 8),
        ({"second_share": 0.01, "second_minimum": 9}, 9),
        ({"professional_share": 0.1, "second_share": 0.1, "second_minimum": 9}, 6),
        ({"professional_readings": 2, "second_share": 0.05}, 3),
    ]
    for choices, seconds in cases:
        given = one(**LOOSE | choices).readings
        plan = plans.from_dict(
            {"preset": "course", "second_minimum": 0, "second_share": 0} | LOOSE | choices
        )
        assert given.get("second", 0) == seconds, choices
        assert given["first"] + seconds == certain_readings(plan, 60), choices


def test_readings_follow_the_plan() -> None:
    assert one(**LOOSE).readings == {"first": 60}
    assert one(**LOOSE, professional_readings=2).readings == {"first": 120}
    seconds = one(**LOOSE | {"second_share": 0.5}).readings
    assert seconds == {"first": 60, "second": 30}
    routed = one(**LOOSE, routing_share=0.5, routing_limit=0.001)
    assert routed.readings["routed"] == 30
    assert routed.wrong_band <= one(**LOOSE).wrong_band
    # Nobody is told “Not passed” on one person's word: those readings come on top.
    assert one(**LOOSE | {"readings_before_not_passed": 2}).readings["close"] > 0
    assert one(**LOOSE).undecided == 0
    # One in 2,000 sheets, check items among them.
    found = one(**LOOSE, check_every=10)
    assert found.check_items == 6
    assert found.false_alarms == 66 / 2000
