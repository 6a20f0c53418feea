"""How far raters agree: every published coefficient, and the summary that pages and gates use.

It may import `grading.measurement.ratings` alone.
"""

from grading.measurement.agreement.chance import (
    FleissKappa,
    brennan_prediger,
    fleiss_kappa,
    gwet_ac,
)
from grading.measurement.agreement.coefficient import Coefficient
from grading.measurement.agreement.concordance import (
    BlandAltman,
    KendallW,
    bland_altman,
    kendall_w,
    lin_concordance,
)
from grading.measurement.agreement.conger import conger_kappa
from grading.measurement.agreement.icc import IntraclassCorrelations, icc
from grading.measurement.agreement.kappa import (
    cohen_kappa,
    pair_table,
    pairs_between,
    pairs_within,
)
from grading.measurement.agreement.krippendorff import krippendorff_alpha
from grading.measurement.agreement.shares import percent_adjacent, percent_exact
from grading.measurement.agreement.summary import Agreement, between, units_between, within

__all__ = [
    "Agreement",
    "BlandAltman",
    "Coefficient",
    "FleissKappa",
    "IntraclassCorrelations",
    "KendallW",
    "between",
    "bland_altman",
    "brennan_prediger",
    "cohen_kappa",
    "conger_kappa",
    "fleiss_kappa",
    "gwet_ac",
    "icc",
    "kendall_w",
    "krippendorff_alpha",
    "lin_concordance",
    "pair_table",
    "pairs_between",
    "pairs_within",
    "percent_adjacent",
    "percent_exact",
    "units_between",
    "within",
]
