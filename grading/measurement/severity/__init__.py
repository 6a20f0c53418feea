"""Severity of raters: the many-facet Rasch model for long ratings, and what it gives the rest.

It may import `grading.measurement.ratings` alone.
"""

from grading.measurement.severity.fitting import fit
from grading.measurement.severity.measures import (
    Component,
    CriterionMeasure,
    RaterMeasure,
    Step,
    WorkMeasure,
)
from grading.measurement.severity.result import Disconnected, FacetName, Parameters, SeverityFit
from grading.measurement.severity.summary import Summary, separation_reliability, strata, summarise

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
