"""The grading plan of a cohort: presets, reading, digest, and what two plans differ in.

A plan is frozen when its cohort opens. Its digest is kept with every score that rests on it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, fields, replace
from functools import lru_cache
from typing import Any

from grading.errors import Fault, FaultsFound, Refused
from grading.phrases import phrase
from grading.texts import clean_line
from grading.workflow.choices import ALWAYS_SAID, Choices

# No choice is a number as large as this, nor one that is none.
BEYOND = 1e12


@dataclass(frozen=True)
class GradingPlan(Choices):
    """A cohort's choices, in force together."""

    def to_dict(self) -> dict[str, Any]:
        """Give plain data that `from_dict` reads back exactly."""
        data = asdict(self)
        data["bands"] = [list(band) for band in self.bands]
        return data

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of what grading rests on, in hexadecimal.

        How long things are kept changes no score, so it is no part of what scores are bound to.
        """
        said = {
            item.name: value
            for item, value in zip(fields(self), self.to_dict().values(), strict=True)
            if item.metadata["group"] != "Retention" and value != item.metadata["unsaid"]
        }
        text = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


_DEFAULT = GradingPlan()

PRESETS: Mapping[str, GradingPlan] = {
    "certification": _DEFAULT,
    "course": replace(
        _DEFAULT,
        preset="course",
        second_share=0.1,
        second_minimum=10,
        sign_offs=1,
        step_up="off",
        check_every=20,
    ),
    "economy": replace(
        _DEFAULT,
        preset="economy",
        professional_share=0.25,
        second_share=0.1,
        second_minimum=0,
        readings_near_cut=1,
        readings_before_not_passed=1,
        sign_offs=1,
        step_up="off",
        routing_share=0.25,
    ),
}


@dataclass(frozen=True)
class Difference:
    """One choice on which two plans differ, with the field's label."""

    name: str
    label: str
    before: Any
    after: Any


def differences(before: GradingPlan, after: GradingPlan) -> tuple[Difference, ...]:
    """List the choices on which two plans differ, in the plan's order."""
    return tuple(
        Difference(item.name, item.metadata["label"], old, new)
        for item in fields(GradingPlan)
        if (old := getattr(before, item.name)) != (new := getattr(after, item.name))
    )


def changed_from_preset(plan: GradingPlan) -> dict[str, Any]:
    """Give, by field, what the preset says where the plan says otherwise."""
    return {item.name: item.before for item in differences(PRESETS[plan.preset], plan)}


def from_dict(data: Mapping[str, Any]) -> GradingPlan:
    """Read a plan that somebody makes; choices left out come from its preset.

    Raises
    ------
    FaultsFound
        Every unknown field, wrong type, number out of range and contradiction at once.
    """
    choices = {item.name: item for item in fields(GradingPlan)}
    faults = [
        Fault(name, "The plan has no field of this name.") for name in data if name not in choices
    ]
    values: dict[str, Any] = {}
    for name, item in choices.items():
        if name in data:
            try:
                values[name] = _read_choice(item, data[name])
            except Refused as refusal:
                faults.append(Fault(name, refusal.template, refusal.params))
    if not faults:
        plan = replace(PRESETS.get(values.get("preset", ""), _DEFAULT), **values)
        faults = _contradictions(plan)
    if faults:
        raise FaultsFound(faults)
    return plan


def from_stored(choices: Mapping[str, Any]) -> GradingPlan:
    """Read a plan that was kept: a choice that did not exist then means what plans meant without it.

    Every act asks its cohort's plan, some many times, and a plan is read choice by choice.
    """
    return _read_stored(json.dumps(dict(choices), sort_keys=True))


@lru_cache(maxsize=256)
def _read_stored(choices: str) -> GradingPlan:
    return from_dict(unsaid_choices(GradingPlan) | json.loads(choices))


def unsaid_choices(plan_type: type[Choices]) -> dict[str, Any]:
    """Give, by choice, what plans meant that were made before the choice existed."""
    return {
        item.name: item.metadata["unsaid"]
        for item in fields(plan_type)
        if item.metadata["unsaid"] is not ALWAYS_SAID
    }


def _read_choice(choice: Field[Any], value: Any) -> Any:
    """Give the value a choice takes; raise `Refused` where it can take none such."""
    kind: type = type(choice.default)
    optional = "None" in str(choice.type)
    words = choice.metadata["words"]
    if kind is tuple:
        return _read_bands(value)
    if optional and value is None:
        return None
    if words:
        if value not in words:
            raise Refused("Choose one of %(words)s.", words=words)
        return value
    if kind is bool:
        if not isinstance(value, bool):
            raise Refused("Say yes or no.")
        return value
    return _read_number(choice, value, int if optional or kind is int else float)


def _read_number(choice: Field[Any], value: Any, kind: type) -> Any:
    try:
        number = _number(value, kind)
    except TypeError:
        raise Refused(
            phrase("Give a whole number.") if kind is int else phrase("Give a number.")
        ) from None
    low, high = choice.metadata["low"], choice.metadata["high"]
    if low is not None and number < low:
        raise Refused("It must be at least %(low)s.", low=low)
    if high is not None and number > high:
        raise Refused("It must be at most %(high)s.", high=high)
    return number


def _number(value: Any, kind: type) -> Any:
    """Take a number only from a number: a bool is none, and 2.5 is no whole one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < BEYOND:
        raise TypeError
    if kind is int and value != int(value):
        raise TypeError
    return kind(value)


def _read_bands(value: Any) -> tuple[tuple[float, str], ...]:
    try:
        bands = tuple((float(_number(low, float)), clean_line(name)) for low, name in value)
    except (TypeError, ValueError, AttributeError):
        raise Refused("Each band is a number and a name.") from None
    lows = [low for low, _ in bands]
    if not bands or lows != sorted(set(lows)) or any(not name for _, name in bands):
        raise Refused("Bands need names and rising numbers.")
    return bands


def _contradictions(plan: GradingPlan) -> list[Fault]:
    faults: list[Fault] = []
    if plan.peers_needed > plan.peer_readings:
        faults.append(
            Fault("peers_needed", "More peer readings are needed than each project is given.")
        )
    if plan.professional_share < 1 and plan.peers_needed < 1:
        faults.append(
            Fault(
                "professional_share",
                "Projects that no professional reads need at least one peer reading.",
            )
        )
    if plan.bands[0][0] != plan.cut:
        faults.append(Fault("bands", "The lowest band starts at the pass mark."))
    if plan.grader_hold_hours > plan.grader_hold_cap_hours:
        faults.append(Fault("grader_hold_hours", "It is longer than the most a hold may last."))
    if plan.late_points and not plan.late_days:
        faults.append(Fault("late_points", "No late project is taken, so none can lose points."))
    if plan.results_day < plan.grading_days:
        faults.append(Fault("results_day", "Results come before grading ends."))
    if plan.peer_days > plan.grading_days:
        faults.append(Fault("peer_days", "Peers would still review when grading has ended."))
    return faults
