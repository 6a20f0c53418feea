"""grading stats on files, as a psychometrician uses it: no service, no database."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from grading.cli import group
from grading.cli.plain import plain
from grading.measurement.agreement import gwet_ac, icc, krippendorff_alpha
from grading.measurement.files import read_csv

Stats = Callable[..., str]


@pytest.fixture
def stats() -> Stats:
    def run(*arguments: object, code: int = 0) -> str:
        # Without an app: what needs a service would fail here.
        done = CliRunner().invoke(group, ["stats", *map(str, arguments)], obj=None)
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    return run


def of_json(output: str) -> Any:
    """Strict JSON: what is undefined must be null."""
    return json.loads(output, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    """Two criteria, six raters, two of them professionals; a mark is missing."""
    rng = np.random.default_rng(1)
    lines = ["work,rater,criterion,score,role"]
    for work in range(30):
        true = rng.normal(1.5, 1)
        for rater in (0, 1, 2 + work % 4, 2 + (work + 1) % 4):
            role = "professional" if rater < 2 else "peer"
            for criterion in ("style", "depth"):
                score = int(np.clip(round(true + rng.normal(0, 0.5)), 0, 3))
                missing = (work, rater, criterion) == (3, 0, "style")
                lines.append(f"w{work},{rater}.0,{criterion},{'' if missing else score},{role}")
    path = tmp_path / "ratings.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_agreement_as_json_is_what_the_functions_give(stats: Stats, ratings: Path) -> None:
    found = of_json(stats("agreement", ratings, "--json", "--scale", "0:3"))
    assert list(found["criteria"]) == ["style", "depth"]
    style = read_csv(ratings, scale=(0, 3)).on("style")
    assert found["criteria"]["style"]["krippendorff_alpha"] == plain(krippendorff_alpha(style))
    assert found["criteria"]["style"]["gwet_ac"] == plain(gwet_ac(style, weights="quadratic"))
    assert set(found["criteria"]["style"]) == {
        "percent_exact", "percent_adjacent", "cohen_kappa", "fleiss_kappa", "conger_kappa",
        "brennan_prediger", "krippendorff_alpha", "gwet_ac", "kendall_w", "icc",
        "lin_concordance", "bland_altman",
    }  # fmt: skip
    alpha = found["criteria"]["style"]["krippendorff_alpha"]
    low, high = alpha["interval"]
    assert low < alpha["estimate"] < high
    assert alpha["dropped"] == 1
    # No work has all six raters: undefined is null with the reason, in JSON too.
    form = found["criteria"]["style"]["icc"]["forms"]["ICC(2,1)"]
    assert form["estimate"] is None
    assert "variance components" in form["reason"]


def test_agreement_of_pools(stats: Stats, ratings: Path, tmp_path: Path) -> None:
    by_role = of_json(stats("agreement", ratings, "--json", "--role-column", "role"))
    listed = tmp_path / "professionals.csv"
    listed.write_text("rater\n0\n1.0\n", encoding="utf-8")
    by_list = of_json(stats("agreement", ratings, "--json", "--professionals", listed))
    assert by_role == by_list
    assert by_role["professionals"]["criteria"]["depth"]["cohen_kappa"]["n_works"] == 30
    assert by_role["peers"]["criteria"]["depth"]["gwet_ac"]["n_raters"] == 4
    assert by_role["between"]["criteria"]["depth"]["between"]["n_pairs"] == 30 * 4
    # The professionals' ratings in a file of their own are the same.
    lines = ratings.read_text(encoding="utf-8").splitlines()
    apart = []
    for name, role in (("peers.csv", "peer"), ("graders.csv", "professional")):
        apart.append(tmp_path / name)
        kept = [line for line in lines[1:] if line.endswith(role)]
        apart[-1].write_text("\n".join([lines[0], *kept]) + "\n", encoding="utf-8")
    by_file = of_json(stats("agreement", apart[0], "--json", "--professionals", apart[1]))
    for pool in ("professionals", "peers"):
        one, other = (
            data[pool]["criteria"]["style"]["krippendorff_alpha"] for data in (by_file, by_role)
        )
        assert one["estimate"] == pytest.approx(other["estimate"])
    assert (
        by_file["between"]["criteria"]["depth"]["between"]["exact"]
        == by_role["between"]["criteria"]["depth"]["between"]["exact"]
    )
    shown = stats("agreement", ratings, "--role-column", "role")
    assert "professionals" in shown
    assert "krippendorff_alpha" in shown


def test_agreement_as_a_table(stats: Stats, ratings: Path) -> None:
    shown = stats("agreement", ratings, "--criterion", "depth", "--interval", "two_way")
    assert "depth" in shown
    assert "style" not in shown
    assert "ICC(2,1)" in shown
    assert "no criterion “width”" in stats("agreement", ratings, "--criterion", "width", code=1)


def test_a_reversed_scale_and_columns_by_other_names(stats: Stats, tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    path.write_text(
        "essay,marker,mark\na,x,1\na,y,2\nb,x,5\nb,y,6\nc,x,3\nc,y,3\n", encoding="utf-8"
    )
    names = ("--work-column", "essay", "--rater-column", "marker", "--score-column", "mark")
    found = of_json(stats("agreement", path, "--json", "--scale", "1:6", "--reverse", *names))
    one = found["criteria"][""]
    assert one["cohen_kappa"]["n_works"] == 3
    # Mirrored: x gave better marks, so its values are higher.
    assert one["bland_altman"]["bias"]["estimate"] == pytest.approx(2 / 3)
    assert "missing" in stats("agreement", path, code=1)


def test_every_fault_of_a_file_is_said_with_its_line(stats: Stats, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(
        "work,rater,criterion,score\na,1,c,1\n,2,c,x\nb,2,c\nb,3,c,9\n", encoding="utf-8"
    )
    for command in ("agreement", "generalizability", "severity", "aggregate"):
        said = stats(command, path, "--scale", "0:3", code=1)
        for words in (
            "bad.csv, line 3: the score “x” is no number",
            "bad.csv, line 3: the column “work” is blank",
            "bad.csv, line 4: 3 cells where the header has 4",
            "bad.csv, line 5: the score “9” is not on the scale",
        ):
            assert words in said
    assert "LOWEST:HIGHEST" in stats("agreement", path, "--scale", "3", code=2)
    listed = path.with_name("list.csv")
    listed.write_text("nobody\n", encoding="utf-8")
    path.write_text("work,rater,score\na,1,1\na,2,1\n", encoding="utf-8")
    assert "called “nobody”" in stats("agreement", path, "--professionals", listed, code=1)


def test_generalizability(stats: Stats, ratings: Path) -> None:
    found = of_json(stats("generalizability", ratings, "--json", "--raters", "1,3", "--works", 10))
    parts = found["variance_components"]["components"]
    assert list(parts) == [
        "work", "rater", "criterion", "work:rater", "work:criterion", "rater:criterion", "residual",
    ]  # fmt: skip
    one, three = found["d_study"]
    assert one["phi"]["estimate"] < three["phi"]["estimate"]
    # Each work has its own raters, and the two criteria are all there are.
    assert one["phi"]["estimate"] == pytest.approx(one["e_rho2"]["estimate"])
    needed = found["raters_needed"]["phi"]
    assert needed["readings"] == needed["raters"] * 10
    shown = stats("generalizability", ratings, "--method", "moments", "--same-raters")
    assert "E rho^2" in shown
    assert "residual" in shown
    assert "no column 'x'" in stats("generalizability", ratings, "--effects", "work,x", code=1)


def test_decision(stats: Stats, ratings: Path) -> None:
    found = of_json(
        stats("decision", ratings, "--json", "--cuts", "1,2", "--costs", "0,1,2;1,0,1;5,1,0")
    )
    one = found["misclassification"]["works"]["w0"]
    assert sum(one["probabilities"]) == pytest.approx(1)
    assert 0 < found["misclassification"]["expected_accuracy"] < 1
    assert 0.5 < found["livingston_lewis"]["accuracy"] < 1
    shown = stats("decision", ratings, "--cuts", "1.5", "--reliability", "0.8")
    assert "expected accuracy" in shown
    assert "cuts must rise" in stats("decision", ratings, "--cuts", "2,1", code=1)


@pytest.mark.skipif(
    importlib.util.find_spec("grading.measurement.severity") is None, reason="no severity yet"
)
def test_severity(stats: Stats, ratings: Path) -> None:
    found = of_json(stats("severity", ratings, "--json", "--scale", "0:3"))
    assert set(found["raters"]) == {"0", "1", "2", "3", "4", "5"}
    assert {"severity", "standard_error", "infit", "outfit"} <= set(found["raters"]["0"])
    assert found["deviance"] > 0
    assert {"measure", "standard_error"} <= set(found["works"]["w0"])
    assert {"rater", "work", "criterion"} <= set(found["summaries"])
    assert "severity" in stats("severity", ratings, "--model", "rating_scale")


@pytest.mark.skipif(
    importlib.util.find_spec("grading.measurement.posterior.aggregation") is None,
    reason="no aggregation yet",
)
def test_aggregate(stats: Stats, ratings: Path) -> None:
    found = of_json(stats("aggregate", ratings, "--json", "--role-column", "role", "--cuts", "1,2"))
    one = found["works"]["w0"]
    assert {"mean", "standard_error", "bands"} <= set(one)
    assert sum(one["bands"]) == pytest.approx(1)
    assert found["rule"] in ("model", "mean")
    assert found["raters"]["0"]["pool"] == "professional"
    assert "rule:" in stats("aggregate", ratings)


def test_plain_data_of_any_result() -> None:
    found = plain(icc([[1, 2], [2, 2], [4, 5]]))
    assert found["forms"]["ICC(1,1)"]["standard_error"] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert plain({1: np.float32(2), "a": np.array([1, np.nan])}) == {"1": 2.0, "a": [1.0, None]}


@pytest.mark.shared_data
def test_the_ugliest_real_file(stats: Stats, shared_data: Path) -> None:
    found = of_json(stats("agreement", shared_data / "austria_ratings3" / "scores.csv", "--json"))
    alpha = found["criteria"]["crit4"]["krippendorff_alpha"]
    assert alpha["n_raters"] == 52
