"""The many-facet model beside TAM for R on real ratings, where the folder of real ratings is."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from grading.measurement.ratings import Ratings
from grading.measurement.severity import SeverityFit, fit

# R TAM 4.3-25, tam.mml.mfr, ~ item + rater + item:step, 21 nodes on (-6, 6): deviance, and the
# number of works and raters, as in the data's own README.
DATA = {
    "writing_windhua": (46111.597, 372, 21),
    "austria_ratings3": (26533.865, 561, 52),
    "austria_writing_ratings2": (5703.040, 178, 16),
    "robitzsch_ptam4": (3412.656, 209, 10),
}


def plain(label: str) -> str:
    """Ids came through floats: 840.0 is 840."""
    return label.removesuffix(".0")


def ratings_of(folder: Path) -> Ratings:
    with (folder / "scores.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return Ratings.from_long(
        [plain(row["work"]) for row in rows],
        [plain(row["rater"]) for row in rows],
        [float(row["score"]) if row["score"].strip() else None for row in rows],
        criterion=[row["criterion"] for row in rows],
    )


def facets_of(folder: Path) -> dict[str, dict[str, float]]:
    """TAM's effects by facet and label; the dummy steps 99 and -97 of a short scale are left out."""
    table: dict[str, dict[str, float]] = {}
    with (folder / "tam_mfr_facets.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            label = row["parameter"].removeprefix("rater:")
            if abs(float(row["xsi"])) < 90:
                table.setdefault(row["facet"], {})[label] = float(row["xsi"])
    return table


def differences(
    found: SeverityFit, theirs: dict[str, float]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Severities against TAM's, both centred, matched by label: TAM sorts labels as text."""
    assert set(found.raters) == set(theirs)
    ours = np.array([found.raters[label].severity for label in theirs])
    other = np.array(list(theirs.values()))
    return np.asarray((ours - ours.mean()) - (other - other.mean()))


@pytest.fixture(params=DATA)
def folder(request: pytest.FixtureRequest, shared_data: Path) -> Path:
    return shared_data / str(request.param)


def test_tam_s_own_quadrature_gives_tam_s_fit(folder: Path) -> None:
    deviance, n_works, n_raters = DATA[folder.name]
    found = fit(ratings_of(folder), nodes=21, bounds=(-6.0, 6.0))
    assert found.converged
    assert (len(found.works), len(found.raters)) == (n_works, n_raters)
    assert found.deviance == pytest.approx(deviance, rel=5e-5)
    theirs = facets_of(folder)
    assert np.abs(differences(found, theirs["rater"])).max() <= 0.02
    for label, value in theirs["item"].items():
        assert found.criteria[label].difficulty == pytest.approx(value, abs=0.005)
    steps = {f"{step.criterion}:step{step.level:g}": step.threshold for step in found.steps}
    for label, value in theirs["item:step"].items():
        # TAM puts what a short scale lacks on its last dummy step, so that one has no counterpart.
        assert steps[label] == pytest.approx(value, abs=0.01)
    summary = (folder / "tam_mfr_summary.txt").read_text(encoding="utf-8")
    stated = {
        key: float(value) for key, value in re.findall(r"(\w+)=(-?\d+\.?\d*)(?=\s|$)", summary)
    }
    assert found.n_parameters == stated["npar"]
    assert found.variance == pytest.approx(stated["var"], rel=1e-3)
    assert found.eap_reliability == pytest.approx(stated["EAPrel"], abs=2e-4)


def test_persons_agree_with_tam_s(folder: Path) -> None:
    found = fit(ratings_of(folder), nodes=21, bounds=(-6.0, 6.0))
    with (folder / "tam_mfr_persons.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert {plain(row["work"]) for row in rows} == set(found.works)
    for row in rows:
        work = found.works[plain(row["work"])]
        assert work.measure == pytest.approx(float(row["wle"]), abs=0.005)
        assert work.eap == pytest.approx(float(row["eap"]), abs=0.005)
        if work.extreme is None:
            assert work.standard_error == pytest.approx(float(row["se"]), abs=0.005)


def test_the_default_quadrature_is_no_worse(folder: Path) -> None:
    deviance, _, _ = DATA[folder.name]
    found = fit(ratings_of(folder))
    assert found.converged
    assert found.deviance <= deviance * 1.0001
    assert np.abs(differences(found, facets_of(folder)["rater"])).max() <= 0.02


def test_every_last_rater_has_a_standard_error_like_the_others(folder: Path) -> None:
    """TAM's is not comparable for the last level of a facet; ours follows from the centring."""
    found = fit(ratings_of(folder), nodes=21, bounds=(-6.0, 6.0))
    scaled = [rater.standard_error * np.sqrt(rater.n) for rater in found.raters.values()]
    assert max(scaled) / min(scaled) < 1.5
