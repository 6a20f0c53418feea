"""The lead's pages of examples: chosen, marked blind by two, agreed, in use; and who is cleared."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import numpy as np
from flask import Blueprint, Response, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import SelectChoice, SelectField, StringField, TextAreaField

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import NotFound, Refused
from grading.models import AnchorPaper, Person, Submission
from grading.models.codes import case_code
from grading.readings import anchors, clearing
from grading.readings.queries import calibration_progress, clearances
from grading.readings.queries import standings as standings_of
from grading.readings.reviews import Sheet
from grading.rubric.definition import Rubric
from grading.texts import whole_number
from grading.web import access, downloads, sheets, step_up
from grading.web.access import load, requires
from grading.web.forms import Done, Form, form_view, options
from grading.web.instructor import shell
from grading.web.instructor.shell import render
from grading.web.labels import USE_LABELS
from grading.web.number_words import list_words
from grading.web.sheets import chosen_levels
from grading.workflow import files
from grading.workflow.calibration import AnchorState, AnchorUse

bp = Blueprint("calibration", __name__, url_prefix="/teach")

CALIBRATE = Permission.CALIBRATE


def _anchor(anchor_id: str) -> AnchorPaper:
    anchor = load(AnchorPaper, anchor_id, CALIBRATE)
    g.cohort_zone = anchor.submission.cohort.zone
    return anchor


@bp.get("/<cohort_id>/examples")
@requires(CALIBRATE)
def examples(cohort_id: str) -> ResponseReturnValue:
    """Every example by what it is for, what waits for a lead, and how many check items are left."""
    cohort = shell.cohort(cohort_id, CALIBRATE)
    session = db.session()
    papers = calibration_progress.papers(session, cohort)
    state, use = request.args.get("state", ""), request.args.get("use", "")
    me = access.person().id
    return render(
        "examples.html",
        cohort,
        papers=[
            paper
            for paper in papers
            if (not state or paper.state == state) and (not use or paper.use == use)
        ],
        counts=_counts(papers),
        state=state,
        use=use,
        states=list(AnchorState),
        uses=list(AnchorUse),
        mine={paper.id for paper in papers if _marked_by(paper, me)},
        begun=any(paper.cohort_id == cohort.id for paper in papers),
        in_use=sum(paper.state == AnchorState.AGREED for paper in papers),
        leads=anchors.leads(session, cohort),
        fresh=calibration_progress.fresh_examples(session, cohort),
    )


def _marked_by(paper: AnchorPaper, person_id: str) -> bool:
    return any(marking.person_id == person_id for marking in paper.markings)


def _counts(papers: Iterable[AnchorPaper]) -> list[tuple[str, int, int]]:
    """Agreed papers as (use, set, papers)."""
    counts: dict[tuple[str, int], int] = {}
    for paper in papers:
        if paper.state == AnchorState.AGREED and paper.use is not None:
            key = (paper.use, paper.set_number or 1)
            counts[key] = counts.get(key, 0) + 1
    return [(use, number, count) for (use, number), count in sorted(counts.items())]


@bp.post("/<cohort_id>/examples/range-finding")
@requires(CALIBRATE)
def find_range(cohort_id: str) -> ResponseReturnValue:
    """Put early works forward at random, for a program's first cohort."""
    seed = np.random.SeedSequence().generate_state(1)[0]
    with transaction() as session:
        cohort = shell.cohort(cohort_id, CALIBRATE)
        made = anchors.find_range(
            session, access.person(), cohort, rng=np.random.default_rng(seed), now=access.now()
        )
        count = len(made)
    flash(_("Range finding has begun with %(n)s projects. Two leads mark each of them.", n=count))
    return redirect(url_for("calibration.examples", cohort_id=cohort_id), 303)


@bp.post("/submission/<submission_id>/example")
@requires(CALIBRATE)
def propose(submission_id: str) -> ResponseReturnValue:
    """Put one work forward."""
    with transaction() as session:
        submission = load(Submission, submission_id, CALIBRATE)
        anchor_id = anchors.propose(session, access.person(), submission, now=access.now()).id
    flash(_("The project is put forward as an example. A copy of it is kept for that."))
    return redirect(url_for("calibration.example", anchor_id=anchor_id), 303)


class MarkingForm(Form):
    """A level and a reason for each criterion; `marking_form` adds them."""

    codes: tuple[str, ...] = ()

    @property
    def levels(self) -> dict[str, int]:
        return chosen_levels(self, self.codes)

    @property
    def reasons(self) -> dict[str, str]:
        return {code: self[f"reason-{code}"].data for code in self.codes}

    def field_of(self, where: str) -> str:
        return f"level-{where}" if where in self.codes else where


class AgreementForm(MarkingForm):
    use = SelectField(
        _l("What is it for?"),
        choices=[
            SelectChoice("", _l("Choose")),
            *options((use, USE_LABELS[use]) for use in AnchorUse),
        ],
        validate_choice=False,
    )
    set_number = StringField(_l("Set"), default="1")


class TakeOutForm(Form):
    reason = StringField(_l("Reason"))


M = TypeVar("M", bound=MarkingForm)


def marking_form(kind: type[M], rubric: Rubric) -> type[M]:
    """Add a level and a reason for each criterion of a rubric."""
    codes = tuple(criterion.code for criterion in rubric.criteria)
    fields: dict[str, Any] = {"codes": codes}
    for code in codes:
        fields |= {f"level-{code}": StringField(), f"reason-{code}": TextAreaField()}
    return cast(type[M], type(kind.__name__, (kind,), fields))


def render_example(
    anchor: AnchorPaper,
    *,
    marking: MarkingForm | None = None,
    withdrawal: TakeOutForm | None = None,
) -> str:
    """Render an example as far as the reader may see it: the other's marking only when both are in."""
    rubric = anchor.submission.cohort.rubric_version.rubric
    mine = _marked_by(anchor, access.person().id)
    marks = anchor.state == AnchorState.PROPOSED and not mine
    agrees = anchor.state == AnchorState.MARKED and mine
    form = marking or marking_form(AgreementForm if agrees else MarkingForm, rubric).blank(
        data=_suggested(anchor) if agrees else None
    )
    copy = anchor.submission.copies[-1]
    by_id = {file.id: file for file in anchor.submission.files}
    code = case_code(anchor.submission_id)
    return render(
        "example.html",
        anchor.submission.cohort,
        anchor=anchor,
        code=code,
        copy=copy,
        files=[
            (
                number,
                files.neutral_name(code, number, files.KINDS[by_id[key].kind]),
                by_id[key].size,
            )
            for number, key in enumerate(copy.files, 1)
        ],
        rubric=rubric,
        criteria=sheets.criteria(
            rubric,
            Sheet(form.levels, form.reasons),
            {code: " ".join(form[f"level-{code}"].errors) for code in form.codes},
        ),
        form=form,
        withdrawal=withdrawal or TakeOutForm.blank(),
        marks=marks,
        agrees=agrees,
        mine=mine,
        markings=[] if anchor.state == AnchorState.PROPOSED else anchor.markings,
        withdrawable=anchor.state != AnchorState.WITHDRAWN,
    )


def _suggested(anchor: AnchorPaper) -> dict[str, str]:
    """Where both leads gave the same level, the consensus starts from it; reasons are written anew."""
    first, second = (marking.levels for marking in anchor.markings)
    return {f"level-{code}": str(level) for code, level in first.items() if second[code] == level}


@bp.get("/example/<anchor_id>")
@requires(CALIBRATE)
def example(anchor_id: str) -> ResponseReturnValue:
    return render_example(_anchor(anchor_id))


@bp.get("/example/<anchor_id>/files/<int:number>")
@requires(CALIBRATE)
def file(anchor_id: str, number: int) -> Response:
    """Send a file of an example under its neutral name."""
    submission = _anchor(anchor_id).submission
    listed = submission.copies[-1].files
    if not 1 <= number <= len(listed):
        raise NotFound("There is no such file.")
    by_id = {file.id: file for file in submission.files}
    chosen = by_id[listed[number - 1]]
    name = files.neutral_name(case_code(submission.id), number, files.KINDS[chosen.kind])
    return downloads.send(chosen, name)


@bp.post("/example/<anchor_id>/mark")
@requires(CALIBRATE)
def mark(anchor_id: str) -> ResponseReturnValue:
    """Keep one's own blind marking."""

    def act(session: Session, form: MarkingForm) -> Done:
        anchors.mark(
            session,
            access.person(),
            _anchor(anchor_id),
            levels=form.levels,
            reasons=form.reasons,
            now=access.now(),
        )
        return Done(
            url_for("calibration.example", anchor_id=anchor_id),
            _("Your levels and reasons are kept."),
        )

    return _marking_view(anchor_id, MarkingForm, act)


@bp.post("/example/<anchor_id>/agree")
@requires(CALIBRATE)
def agree(anchor_id: str) -> ResponseReturnValue:
    """Write down what both leads agreed on, and put the example to use."""

    def act(session: Session, form: AgreementForm) -> Done:
        anchors.agree(
            session,
            access.person(),
            _anchor(anchor_id),
            levels=form.levels,
            reasons=form.reasons,
            use=form.use.data,
            set_number=whole_number(form.set_number.data) or 0,
            now=access.now(),
        )
        return Done(
            url_for("calibration.example", anchor_id=anchor_id), _("The example is in use.")
        )

    return _marking_view(anchor_id, AgreementForm, act)


def _marking_view(
    anchor_id: str, kind: type[M], act: Callable[[Session, M], Done]
) -> ResponseReturnValue:
    """Take a marking; whoever may not mark gets a page of its own, as the example has no form for them."""

    def show(form: M) -> str:
        return render_example(_anchor(anchor_id), marking=form)

    rubric = _anchor(anchor_id).submission.cohort.rubric_version.rubric
    return form_view(marking_form(kind, rubric)(), act, show, leave=(Refused,))


@bp.post("/example/<anchor_id>/withdraw")
@requires(CALIBRATE)
def withdraw(anchor_id: str) -> ResponseReturnValue:
    """Take an example out of use."""

    def act(session: Session, form: TakeOutForm) -> Done:
        anchors.withdraw(
            session,
            access.person(),
            _anchor(anchor_id),
            reason=form.reason.data,
            now=access.now(),
        )
        return Done(
            url_for("calibration.example", anchor_id=anchor_id),
            _("The example is out of use. What was judged by it stays."),
        )

    def show(form: TakeOutForm) -> str:
        return render_example(_anchor(anchor_id), withdrawal=form)

    return form_view(TakeOutForm(), act, show)


@bp.get("/<cohort_id>/standings")
@requires(CALIBRATE)
def standings(cohort_id: str) -> ResponseReturnValue:
    """Who is cleared for what, by what and until when; and who cannot become so without a lead."""
    cohort = shell.cohort(cohort_id, CALIBRATE)
    session, now = db.session(), access.now()
    required = cohort.plan.calibration == "required"
    return render(
        "standings.html",
        cohort,
        rows=calibration_progress.standing_rows(session, cohort, now),
        rubric=cohort.rubric_version.rubric,
        stuck=clearances.stuck(session, cohort, now=now) if required else {},
        me=access.person().id,
    )


class ClearForm(Form):
    """Why somebody is cleared who has not read the examples as the leads do."""

    reason = TextAreaField(_l("Reason"))


@bp.route("/<cohort_id>/standings/<person_id>/clear", methods=["GET", "POST"])
@requires(CALIBRATE)
def clear(cohort_id: str, person_id: str) -> ResponseReturnValue:
    """Clear somebody by hand, with a reason that is signed."""

    def act(session: Session, form: ClearForm) -> Done:
        cohort, rater = shell.cohort(cohort_id, CALIBRATE), find_rater(cohort_id, person_id)
        me, reason, now = access.person(), form.reason.data, access.now()
        if step_up.asked(session, cohort):
            return shell.to_sign(
                clearing.lay_clearing_before(session, me, cohort, rater, reason=reason, now=now)
            )
        clearing.clear_by_hand(session, me, cohort, rater, reason=reason, now=now)
        return cleared_by_hand(cohort_id, rater)

    def show(form: ClearForm) -> str:
        cohort, rater = shell.cohort(cohort_id, CALIBRATE), find_rater(cohort_id, person_id)
        return render(
            "clear.html",
            cohort,
            person=rater,
            form=form,
            criteria=list_words(
                criterion.title
                for criterion in standings_of.uncleared_criteria(
                    db.session(), cohort, rater, access.now()
                )
            ),
        )

    return form_view(ClearForm(), act, show, leave=(Refused,))


def find_rater(cohort_id: str, person_id: str) -> Person:
    """Find somebody with a professional part in a cohort."""
    cohort = shell.cohort(cohort_id, CALIBRATE)
    for person in calibration_progress.professionals(db.session(), cohort):
        if person.id == person_id:
            return person
    raise NotFound("There is no such page.")


def cleared_by_hand(cohort_id: str, rater: Person) -> Done:
    """Lead back to the standings, and say what was done."""
    return Done(
        url_for("calibration.standings", cohort_id=cohort_id),
        _("%(name)s is cleared by hand, and is told so with your reason.", name=rater.name),
    )
