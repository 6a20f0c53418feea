"""From a plan to the rule by which a work's readings are settled."""

from dataclasses import replace

import pytest

from grading.measurement.scoring.combining import Resolution
from grading.scores import settling
from grading.workflow.plan import PRESETS


def test_every_rule_a_plan_may_name_is_a_resolution() -> None:
    for resolution in Resolution:
        plan = replace(PRESETS["course"], resolution=resolution.value)
        assert settling.rule(plan, 1).resolution is resolution


def test_an_unknown_rule_is_refused_and_not_taken_for_a_mean() -> None:
    with pytest.raises(ValueError, match="tertium quid"):
        settling.rule(replace(PRESETS["course"], resolution="tertium quid"), 1)
