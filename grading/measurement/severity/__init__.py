"""Severity of raters: the many-facet Rasch model for long ratings, and what it gives the rest.

It may import `grading.measurement.ratings` alone.
"""

from grading.measurement.severity.fitting import fit
from grading.measurement.severity.result import (
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
    separation_reliability,
    strata,
    summarise,
)

__all__ = [
    "Component",
    "CriterionMeasure",
    "Disconnected",
    "FacetName",
    "Parameters",
    "RaterMeasure",
    "SeverityFit",
    "Step",
    "Summary",
    "WorkMeasure",
    "fit",
    "separation_reliability",
    "strata",
    "summarise",
]
