"""Severity of raters: the many-facet Rasch model for long ratings, and what it gives the rest.

It may import `grading.measurement.ratings` alone.
"""

from grading.measurement.severity.fair_score import (
    ExactAgreement,
    FairScore,
    Interaction,
    Prediction,
    Residuals,
    exact_agreement,
    fair_scores,
    interaction,
    leave_one_rater_out_residuals,
    predict,
)
from grading.measurement.severity.fitting import fit
from grading.measurement.severity.result import (
    Comparison,
    Component,
    CriterionMeasure,
    Disconnected,
    FacetName,
    Parameters,
    RaterMeasure,
    SeverityFit,
    Step,
    Summary,
    WorkMeasure,
    compare,
    separation_reliability,
    strata,
    summarise,
)

__all__ = [
    "Comparison",
    "Component",
    "CriterionMeasure",
    "Disconnected",
    "ExactAgreement",
    "FacetName",
    "FairScore",
    "Interaction",
    "Parameters",
    "Prediction",
    "RaterMeasure",
    "Residuals",
    "SeverityFit",
    "Step",
    "Summary",
    "WorkMeasure",
    "compare",
    "exact_agreement",
    "fair_scores",
    "fit",
    "interaction",
    "leave_one_rater_out_residuals",
    "predict",
    "separation_reliability",
    "strata",
    "summarise",
]
