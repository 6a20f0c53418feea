"""The grading plan: every choice with its reason, what differs from the preset, what a change would do."""

import itertools
from dataclasses import fields
from typing import Any, cast

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from wtforms import StringField

from grading.cohorts import cohorts
from grading.models import Cohort
from grading.web import access
from grading.web.access import requires
from grading.web.admin.cohorts import checked
from grading.web.admin.common import COHORT, bp, find_cohort
from grading.web.forms import Done, Form, Shown, form_view, several, yes_field
from grading.web.labels import PLAN_WORDS
from grading.web.number_words import list_words, short_number
from grading.web.rendering import said
from grading.workflow.plan import (
    PRESETS,
    GradingPlan,
    changed_from_preset,
    differences,
    from_dict,
)


def plan_groups(plan: GradingPlan) -> dict[str, list[dict[str, Any]]]:
    """Give the plan's fields by group, each with its value, its kind of entry and its reason."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for item in fields(GradingPlan):
        value = getattr(plan, item.name)
        optional = "None" in str(item.type)
        kind = (
            "bands"
            if item.name == "bands"
            else "words"
            if item.metadata["words"]
            else "yes_no"
            if isinstance(value, bool)
            else "number"
        )
        groups.setdefault(item.metadata["group"], []).append(
            {"name": item.name, "value": value, "kind": kind, "optional": optional}
            | {key: item.metadata[key] for key in ("label", "why", "low", "high", "words")}
        )
    return groups


def value_words(name: str, value: Any) -> str:
    """Write a choice's value for people."""
    if name in PLAN_WORDS:
        return str(PLAN_WORDS[name][value])
    if value is None:
        return _("no cap")
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, tuple):
        return list_words(f"{short_number(low)} {said(band)}" for low, band in value)
    return short_number(value) if isinstance(value, int | float) else str(value)


class PlanForm(Form):
    """A preset to fill in, or every choice as it was written; `plan_form` adds a field for each choice."""

    load = StringField()
    look = yes_field()
    band_low = several()
    band_name = several()

    def field_of(self, where: str) -> str:
        return "band_low" if where == "bands" else where

    @property
    def faults(self) -> dict[str, str]:
        """Give what is wrong by the name of the choice."""
        return {
            "bands" if field.name == "band_low" else field.name: " ".join(map(str, field.errors))
            for field in self
            if field.errors
        }

    def read_plan(self, plan: GradingPlan) -> GradingPlan:
        """Read the choices; what cannot be a value goes to `from_dict` as it is, to be named there."""
        data: dict[str, Any] = {"preset": self["preset"].data or plan.preset}
        choices = itertools.chain.from_iterable(plan_groups(plan).values())
        for choice in choices:
            name = choice["name"]
            if name == "preset":
                continue
            if choice["kind"] == "bands":
                data[name] = [
                    [_as_number(low), label.strip()]
                    for low, label in zip(self.band_low.data, self.band_name.data, strict=False)
                    if low.strip() or label.strip()
                ]
                continue
            text = self[name].data.strip()
            if choice["kind"] == "yes_no":
                data[name] = text == "yes"
            elif choice["kind"] == "words":
                data[name] = text
            else:
                data[name] = None if choice["optional"] and not text else _as_number(text)
        return from_dict(data)


def plan_form() -> PlanForm:
    """Read the plan's form: a field for each choice, as it was written."""
    choices = {
        choice.name: StringField() for choice in fields(GradingPlan) if choice.name != "bands"
    }
    return cast(PlanForm, type("ChoicesForm", (PlanForm,), choices)())


def _as_number(text: str) -> Any:
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() else value


@bp.route("/cohorts/<cohort_id>/plan", methods=["GET", "POST"], endpoint="plan")
@requires(COHORT)
def revise_plan(cohort_id: str) -> ResponseReturnValue:
    """Every choice with its reason; a preset fills them all, and a look at a change saves nothing."""

    def act(session: Session, form: PlanForm) -> Done | Shown:
        cohort = find_cohort(cohort_id)
        if form.load.data:
            preset = PRESETS.get(form.load.data, cohort.plan)
            return Shown(render_plan(cohort, form, looked_at=preset))
        plan = form.read_plan(cohort.plan)
        if form.look.data:
            return Shown(render_plan(cohort, form, looked_at=plan))
        cohorts.revise_plan(session, access.person(), cohort, plan, now=access.now())
        return Done(
            url_for("admin.cohort", cohort_id=cohort_id), _("The plan is saved as a new version.")
        )

    def show(form: PlanForm) -> str:
        return render_plan(find_cohort(cohort_id), form)

    find_cohort(cohort_id)
    return form_view(plan_form(), act, show)


def render_plan(cohort: Cohort, form: PlanForm, *, looked_at: GradingPlan | None = None) -> str:
    """Render a cohort's plan, or another one to look at, with what it would change."""
    plan = looked_at or cohort.plan
    history = [
        (after, differences(before.plan, after.plan))
        for before, after in itertools.pairwise(cohort.plans)
    ]
    return render_template(
        "admin/plan.html",
        cohort=cohort,
        plan=plan,
        groups=plan_groups(plan),
        presets=list(PRESETS),
        changed=changed_from_preset(plan),
        looked=looked_at is not None,
        differences=differences(cohort.plan, plan),
        staffing=checked(cohort, plan) if looked_at else None,
        history=history[::-1],
        value_words=value_words,
        form=form,
        faults=form.faults,
        entered=bool(form.errors),
    )
