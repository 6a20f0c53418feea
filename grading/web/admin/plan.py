"""The grading plan: every choice with its reason, what differs from the preset, what a change would do."""

from dataclasses import fields
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from grading.cohorts import cohorts
from grading.db import transaction
from grading.errors import FaultsFound
from grading.web import access
from grading.web.access import requires
from grading.web.admin.cohorts import checked
from grading.web.admin.common import COHORT, bp, by_field, find_cohort
from grading.web.labels import PLAN_WORDS
from grading.web.number_words import list_words, short_number
from grading.web.rendering import said
from grading.workflow import plan as plans
from grading.workflow.plan import GradingPlan


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


def _read_plan(plan: GradingPlan) -> GradingPlan:
    """Read the plan's form; what cannot be a value goes to `from_dict` as it is, to be named there."""
    data: dict[str, Any] = {"preset": request.form.get("preset", plan.preset)}
    for group in plan_groups(plan).values():
        for item in group:
            name, text = item["name"], request.form.get(item["name"], "").strip()
            if name == "preset":
                continue
            if item["kind"] == "bands":
                data[name] = [
                    [_as_number(low), label.strip()]
                    for low, label in zip(
                        request.form.getlist("band_low"),
                        request.form.getlist("band_name"),
                        strict=False,
                    )
                    if low.strip() or label.strip()
                ]
            elif item["kind"] == "yes_no":
                data[name] = text == "yes"
            elif item["kind"] == "words":
                data[name] = text
            else:
                data[name] = None if item["optional"] and not text else _as_number(text)
    return plans.from_dict(data)


def _as_number(text: str) -> Any:
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() else value


@bp.route("/cohorts/<cohort_id>/plan", methods=["GET", "POST"])
@requires(COHORT)
def plan(cohort_id: str) -> ResponseReturnValue:
    """Every choice with its reason; a preset fills them all, and a look at a change saves nothing."""
    found = find_cohort(cohort_id)
    shown = found.plan
    faults: dict[str, str] = {}
    looked = False
    if request.method == "POST":
        try:
            if request.form.get("load"):
                shown, looked = plans.PRESETS.get(request.form["load"], shown), True
            else:
                shown, looked = _read_plan(shown), True
                if not request.form.get("look"):
                    with transaction() as session:
                        cohorts.revise_plan(
                            session,
                            access.person(),
                            find_cohort(cohort_id),
                            shown,
                            now=access.now(),
                        )
                    flash(_("The plan is saved as a new version."))
                    return redirect(url_for("admin.cohort", cohort_id=cohort_id), 303)
        except FaultsFound as error:
            faults = by_field(error)
        found = find_cohort(cohort_id)
    history = [
        (after, plans.differences(before.plan, after.plan))
        for before, after in zip(found.plans, found.plans[1:], strict=False)
    ]
    page = render_template(
        "admin/plan.html",
        cohort=found,
        plan=shown,
        groups=plan_groups(shown),
        presets=list(plans.PRESETS),
        changed=plans.changed_from_preset(shown),
        looked=looked,
        differences=plans.differences(found.plan, shown) if looked else (),
        staffing=checked(found, shown) if looked else None,
        history=history[::-1],
        value_words=value_words,
        faults=faults,
        entered=request.form if faults else None,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200
