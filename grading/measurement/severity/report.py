"""From the estimates of a many-facet model to a result in labels, with fit."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from grading.measurement.severity.design import (
    Bools,
    Design,
    Floats,
    Identification,
    Ints,
    Model,
)
from grading.measurement.severity.expected_total import expected_points
from grading.measurement.severity.frame import Frame
from grading.measurement.severity.mean_squares import MeanSquares
from grading.measurement.severity.measures import (
    Component,
    CriterionMeasure,
    RaterMeasure,
    Step,
    WorkMeasure,
)
from grading.measurement.severity.model import (
    EXTREME,
    Estimate,
    adjusted_measure,
    moments,
    weighted_likelihood,
)
from grading.measurement.severity.result import Parameters, SeverityFit
from grading.phrases import phrase

ONE_LEVEL = phrase("all ratings are the same level, so the criterion has no difficulty")
NEVER_GIVEN = phrase("no rating has this level")


@dataclass(frozen=True, eq=False)
class Report:
    """From estimates in the design's codes to a result in labels."""

    frame: Frame
    rows: Bools
    design: Design
    codes: dict[str, Ints]
    identification: Identification
    estimate: Estimate
    held: dict[str, dict[int, float]]
    extreme: Ints
    single: Ints
    model: Model
    estimator: str
    n_parameters: int

    def result(self) -> SeverityFit:
        frame, estimate = self.frame, self.estimate
        parameters = self._parameters()
        labels = frame.labels
        of_work = np.isfinite(parameters.theta)[frame.work]
        of_rater = np.isfinite(parameters.severity)[frame.rater]
        of_facet = np.isfinite(parameters.effect)[frame.facet]
        of_criterion = parameters.measured_criteria[frame.criterion]
        measured = of_work & of_rater & of_facet & of_criterion
        for_fit = measured & (self.extreme[frame.work] == 0)
        base = parameters.category[frame.criterion[for_fit]]
        base = base - np.arange(base.shape[1]) * (
            parameters.severity[frame.rater[for_fit]] + parameters.effect[frame.facet[for_fit]]
        )[:, None]  # fmt: skip
        mean, variance, _, fourth = moments(
            base, np.arange(len(base)), parameters.theta[frame.work[for_fit]]
        )
        residual = frame.level[for_fit] - mean

        def fits(name: str) -> MeanSquares:
            n = max(len(labels[name]), 1)
            return MeanSquares.by_element(frame.codes(name)[for_fit], n, residual, variance, fourth)

        works = self._works(parameters, fits("work"))
        raters = self._raters("rater", parameters, fits("rater"))
        facets = self._raters("facet", parameters, fits("facet")) if frame.facets else {}
        shown = set(self.codes["work"].tolist())
        posterior = [
            (works[label].eap, works[label].posterior_sd)
            for code, label in enumerate(labels["work"])
            if code in shown and math.isfinite(works[label].eap)
        ]
        reliability = math.nan
        if len(posterior) > 1:
            eap, sd = np.array(posterior).T
            reliability = float(eap.var() / (eap.var() + np.mean(sd**2)))
        means = np.unique(estimate.means[np.isfinite(estimate.means)])
        grid = estimate.nodes
        return SeverityFit(
            raters=raters,
            works=works,
            criteria=self._criteria(parameters, fits("criterion")),
            facets=facets,
            steps=self._steps(),
            model=self.model,
            estimator=self.estimator,
            deviance=estimate.deviance,
            n_parameters=self.n_parameters,
            mean=float(means[0]) if len(means) == 1 else math.nan,
            variance=estimate.variance,
            eap_reliability=reliability,
            nodes=len(grid),
            bounds=(float(grid[0]), float(grid[-1])) if len(grid) else (math.nan, math.nan),
            iterations=estimate.iterations,
            converged=estimate.converged,
            components=self._components(parameters),
            n=int(self.rows.sum()),
            dropped=frame.ratings.dropped,
            notes=self._notes(raters),
            parameters=parameters,
        )

    def _wide(self, name: str, values: Floats, fill: float = np.nan) -> Floats:
        out = np.full(max(len(self.frame.labels[name]), 1), fill)
        out[self.codes[name]] = values
        return out

    def _group(self, name: str) -> Ints:
        out = np.full(max(len(self.frame.labels[name]), 1), -1, dtype=np.int64)
        out[self.codes[name]] = self.identification.groups[name]
        return out

    def _parameters(self) -> Parameters:
        design, estimate, frame = self.design, self.estimate, self.frame
        where = design.slices()
        found = estimate.parameters
        k = np.arange(design.n_levels)
        category = np.full((len(frame.ratings.criteria), design.n_levels), np.nan)
        for i, code in enumerate(self.codes["criterion"].tolist()):
            logits = -k * found[where["criterion"]][i]
            inner = design.step[i] >= 0
            logits[inner] += found[design.step[i][inner]]
            category[code] = np.where(design.support[i], logits, -np.inf)
        parameters = Parameters(
            severity=self._wide("rater", found[where["rater"]]),
            severity_group=self._group("rater"),
            effect=self._wide("facet", found[where["facet"]]),
            category=category,
            values=frame.values,
            theta=self._wide("work", estimate.theta),
            theta_error=self._wide("work", estimate.theta_error),
            work_group=self._group("work"),
        )
        self._measure_works(parameters)
        return parameters

    def _measure_works(self, parameters: Parameters) -> None:
        """Fill in the works' measures: Warm's, or the joint ones with the extremes moved inwards."""
        theta, error = parameters.theta, parameters.theta_error
        for code, value in self.held["work"].items():
            theta[code], error[code] = value, 0.0
        if self.estimator == "mml":
            base = self.design.base(self.estimate.parameters)
            free = np.flatnonzero(~np.isin(self.codes["work"], list(self.held["work"])))
            found, its_error = weighted_likelihood(self.design, base, self.estimate.eap, free)
            theta[self.codes["work"][free]] = found[free]
            error[self.codes["work"][free]] = its_error[free]
            return
        frame = self.frame
        left = self.rows & np.isnan(theta)[frame.work]
        left &= np.isfinite(parameters.severity)[frame.rater]
        left &= np.isfinite(parameters.effect)[frame.facet]
        left &= parameters.measured_criteria[frame.criterion]
        if not left.any():
            return
        who, of_work = np.unique(frame.work[left], return_inverse=True)
        base = parameters.category[frame.criterion[left]]
        shift = parameters.severity[frame.rater[left]] + parameters.effect[frame.facet[left]]
        base = base - np.arange(base.shape[1]) * shift[:, None]
        support = np.isfinite(base)
        low = np.bincount(of_work, weights=support.argmax(axis=1))
        high = np.bincount(of_work, weights=base.shape[1] - 1 - support[:, ::-1].argmax(axis=1))
        total = np.bincount(of_work, weights=frame.level[left]).astype(float)
        target = np.clip(total, low + EXTREME, high - EXTREME).astype(float)
        found, its_error = adjusted_measure(base, of_work, target, np.zeros(len(who)))
        theta[who], error[who] = found, its_error
        by_rater = self._work_group_by_rater(self._group("rater"))
        parameters.work_group[frame.work[left]] = by_rater[frame.rater[left]]

    def _work_group_by_rater(self, by_rater: Ints) -> Ints:
        """The works' group that goes with each rater: the one of the works that rater rated."""
        group = self._group("work")
        out = np.full(len(by_rater), -1, dtype=np.int64)
        rated = group[self.frame.work] >= 0
        out[self.frame.rater[rated]] = group[self.frame.work[rated]]
        return out

    def _averages(self, name: str) -> tuple[NDArray[np.int64], Floats]:
        codes = self.frame.codes(name)
        n = max(len(self.frame.labels[name]), 1)
        count = np.bincount(codes, minlength=n)
        total = np.bincount(codes, weights=self.frame.values[self.frame.level], minlength=n)
        with np.errstate(invalid="ignore"):
            return count, total / count

    def _standard_errors(self, name: str) -> Floats:
        where = self.design.slices()[name]
        return self._wide(name, np.sqrt(np.maximum(np.diag(self.estimate.covariance)[where], 0)))

    def _typical(self, parameters: Parameters) -> Floats:
        """Mean measure of the works of each rater's group, (R,)."""
        group = self._work_group_by_rater(self._group("rater"))
        known = np.isfinite(parameters.theta) & (parameters.work_group >= 0)
        n = np.bincount(parameters.work_group[known], minlength=int(group.max()) + 1)
        total = np.bincount(
            parameters.work_group[known], parameters.theta[known], int(group.max()) + 1
        )
        return np.asarray((total / np.maximum(n, 1))[group])

    def _raters(
        self, name: Literal["rater", "facet"], parameters: Parameters, fits: MeanSquares
    ) -> dict[Hashable, RaterMeasure]:
        value = parameters.severity if name == "rater" else parameters.effect
        typical = np.full(len(value), float(np.nanmean(parameters.theta)))
        if name == "rater":
            typical = self._typical(parameters)
        fair, _ = expected_points(parameters, typical - value)
        count, average = self._averages(name)
        error, group = self._standard_errors(name), self._group(name)
        labels = self.frame.labels[name]
        extreme = np.zeros(len(value), dtype=np.int64)
        if len(self.codes[name]) > 1:
            extreme[self.codes[name]] = self.design.extremes(
                self.design.element_codes(name), len(self.codes[name])
            )
        return {
            labels[code]: RaterMeasure(
                float(value[code]), float(error[code]), *fits.at(code), int(count[code]),
                float(average[code]), float(fair[code]), int(group[code]),
                _extreme(int(extreme[code])), code in self.held[name],
            )
            for code in self.codes[name].tolist()
        }  # fmt: skip

    def _works(self, parameters: Parameters, fits: MeanSquares) -> dict[Hashable, WorkMeasure]:
        eap = self._wide("work", self.estimate.eap)
        spread = self._wide("work", self.estimate.posterior_sd)
        count, average = self._averages("work")
        fair, slope = expected_points(parameters, parameters.theta)
        fair_error = np.abs(slope) * parameters.theta_error
        labels = self.frame.labels["work"]
        known = np.isfinite(parameters.severity)[self.frame.rater]
        met = np.bincount(self.frame.work[known], minlength=len(count))
        total = np.bincount(
            self.frame.work[known], parameters.severity[self.frame.rater[known]], len(count)
        )
        with np.errstate(invalid="ignore"):
            of_raters = total / met
        shown = np.flatnonzero(np.isfinite(parameters.theta))
        columns = (
            parameters.theta, parameters.theta_error, eap, spread, fits.infit, fits.outfit,
            fits.infit_z, fits.outfit_z, count, average, fair, fair_error, of_raters,
            parameters.work_group,
        )  # fmt: skip
        held = self.held["work"]
        ends = [_extreme(sign) for sign in self.extreme[shown].tolist()]
        anchored = [code in held for code in shown.tolist()]
        rows = zip(*(column[shown].tolist() for column in columns), ends, anchored, strict=True)
        return {
            labels[code]: WorkMeasure(*row) for code, row in zip(shown.tolist(), rows, strict=True)
        }

    def _criteria(
        self, parameters: Parameters, fits: MeanSquares
    ) -> dict[Hashable, CriterionMeasure]:
        difficulty = self._wide(
            "criterion", self.estimate.parameters[self.design.slices()["criterion"]]
        )
        error, group = self._standard_errors("criterion"), self._group("criterion")
        count, average = self._averages("criterion")
        middle = float(np.nanmean(parameters.theta))
        thresholds: dict[Hashable | None, dict[float, float]] = {}
        for step in self._steps():
            thresholds.setdefault(step.criterion, {})[step.level] = step.threshold
        out: dict[Hashable, CriterionMeasure] = {}
        for code, label in enumerate(self.frame.labels["criterion"]):
            if not count[code]:
                continue
            reason = ONE_LEVEL if code in self.single else None
            fair = math.nan
            if math.isfinite(difficulty[code]):
                fair = float(expected_points(parameters, np.array([middle]), code)[0][0])
            key = None if self.model == "rating_scale" else label
            out[label] = CriterionMeasure(
                float(difficulty[code]), float(error[code]), thresholds.get(key, {}),
                *fits.at(code), int(count[code]), float(average[code]), fair, int(group[code]),
                code in self.held["criterion"], reason,
            )  # fmt: skip
        return out

    def _steps(self) -> tuple[Step, ...]:
        design, covariance = self.design, self.estimate.covariance
        values, found = self.frame.values, self.estimate.parameters
        shared = self.model == "rating_scale"
        out: list[Step] = []
        for i, code in enumerate(self.codes["criterion"].tolist()[: 1 if shared else None]):
            mine = slice(None) if shared else self.design.criterion == i
            count = np.bincount(design.level[mine], minlength=design.n_levels)
            label = None if shared else self.frame.labels["criterion"][code]
            below = -1
            for level in range(design.n_levels):
                value = float(values[level])
                if not design.support[i, level]:
                    if level:
                        out.append(Step(label, value, math.nan, math.nan, 0, NEVER_GIVEN))
                    continue
                if below >= 0:
                    contrast = np.zeros(len(found))
                    for place, sign in ((level, -1.0), (below, 1.0)):
                        if design.step[i, place] >= 0:
                            contrast[design.step[i, place]] = sign / (level - below)
                    error = math.sqrt(max(float(contrast @ covariance @ contrast), 0.0))
                    out.append(
                        Step(label, value, float(contrast @ found), error, int(count[level]), None)
                    )
                below = level
        return tuple(out)

    def _components(self, parameters: Parameters) -> tuple[Component, ...]:
        frame, group = self.frame, parameters.severity_group
        out = []
        for number in range(int(group.max()) + 1):
            raters = np.flatnonzero(group == number)
            works = np.unique(frame.work[np.isin(frame.rater, raters)])
            out.append(
                Component(
                    number,
                    tuple(frame.ratings.raters[code] for code in raters.tolist()),
                    tuple(frame.ratings.works[code] for code in works.tolist()),
                )
            )
        return tuple(out)

    def _notes(self, raters: Mapping[Hashable, RaterMeasure]) -> tuple[str, ...]:
        notes = list(self.estimate.notes)
        groups = len({found.group for found in raters.values()})
        if groups > 1:
            notes.append(
                f"{groups} groups of raters that nothing connects: each is centred on its own, and "
                "severities of two groups cannot be compared"
            )
        if not self.estimate.converged:
            notes.append(phrase("the estimates have not converged"))
        unmeasured = sorted(
            str(self.frame.labels["rater"][code])
            for code in np.setdiff1d(self.frame.rater, self.codes["rater"]).tolist()
        )
        if unmeasured:
            notes.append(
                f"without a measure, as no rating of theirs tells: {', '.join(unmeasured)}"
            )
        n_extreme = int(np.count_nonzero(self.extreme))
        if n_extreme:
            notes.append(
                f"{n_extreme} works have only the lowest or only the highest ratings: their measures "
                "rest on the model's ends, and they tell nothing about fit"
            )
        for code in self.single.tolist():
            notes.append(f"criterion {self.frame.labels['criterion'][code]}: {ONE_LEVEL}")
        return tuple(notes)


def _extreme(sign: int) -> str | None:
    return {0: None, 1: "highest", -1: "lowest"}[sign]
