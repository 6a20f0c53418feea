"""Ratings from labels and arrays of any kind, and what is refused."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.measurement.coding import compact
from grading.measurement.ratings import Collector, RatedTwice, Ratings, combined

rows = st.lists(
    st.tuples(st.integers(-5, 9), st.integers(0, 4), st.one_of(st.none(), st.integers(0, 3))),
    min_size=1,
    max_size=40,
    unique_by=lambda row: row[:2],
)


def labels(ratings: Ratings) -> list[tuple[object, object, float]]:
    return [
        (ratings.works[w], ratings.raters[r], ratings.levels[x])
        for w, r, x in zip(ratings.work, ratings.rater, ratings.level, strict=True)
    ]


@settings(max_examples=80, deadline=None)
@given(rows=rows)
def test_every_kind_of_column_gives_the_same_codes(
    rows: list[tuple[int, int, int | None]],
) -> None:
    work, rater, level = (list(column) for column in zip(*rows, strict=True))
    by_list = Ratings.from_long(work, rater, level, levels=range(4))
    scores = np.array([np.nan if x is None else x for x in level], dtype=float)
    others = [
        Ratings.from_long(np.array(work), np.array(rater, np.int8), scores, levels=range(4)),
        Ratings.from_long(pa.array(work), pa.array(rater), pa.array(level), levels=range(4)),
        Ratings.from_long(
            pa.chunked_array([work[:1], work[1:]], type=pa.int64()), rater, level, levels=range(4)
        ),
        Ratings.from_long(np.array(work) * 10**12, rater, level, levels=range(4)),
        Ratings.from_long(np.array([str(w) for w in work]), rater, level, levels=range(4)),
    ]
    collector = Collector()
    for start in range(0, len(rows), 7):
        block = slice(start, start + 7)
        collector.add(np.array(work[block]), rater[block], level[block])
    others.append(collector.ratings(levels=range(4)))
    for found in others:
        for name in ("work", "rater", "level", "criterion"):
            assert getattr(found, name).dtype == np.int32
            assert np.array_equal(getattr(found, name), getattr(by_list, name))
        assert found.dropped == by_list.dropped == sum(x is None for x in level)
        assert len(found.works) == len(by_list.works)
    assert labels(by_list) == [(w, r, float(x)) for w, r, x in rows if x is not None]


def test_labels_stand_in_order_of_first_appearance() -> None:
    found = Ratings.from_long(np.array([7, 3, 7]), ["b", "a", "a"], [1, 2, 0])
    assert (found.works, found.raters, found.levels) == ((7, 3), ("b", "a"), (0.0, 1.0, 2.0))
    # Numbers from 0 without gaps need no table of labels.
    assert Ratings.from_long(np.array([0, 1, 2]), np.array([0, 0, 0]), [1, 1, 1]).works == range(3)


def test_a_scale_that_runs_from_best_to_worst_is_mirrored() -> None:
    found = Ratings.from_long("abc", "xxx", [1, 6, 2], scale=(1, 6), reverse=True)
    assert found.levels == (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    assert found.values().tolist() == [6.0, 1.0, 5.0]
    assert found.reverse


def test_further_columns_stay_with_their_rows() -> None:
    found = Ratings.from_long(
        "abc", "xyx", [1, None, 2], columns={"role": ["peer", "peer", "grader"]}
    )
    role = found.facet("role")
    assert [role.labels[code] for code in role.codes] == ["peer", "grader"]
    kept = found.where(found.level == 1)
    assert kept.facet("role").labels[kept.facet("role").codes[0]] == "grader"
    with pytest.raises(ValueError, match="no column 'time'"):
        found.facet("time")


def test_criteria_of_different_scales_keep_to_their_own_levels() -> None:
    found = Ratings.from_long("aabb", "xyxy", [1, 3, 0, 2], criterion=["c", "c", "d", "d"])
    own = found.on("d").on_levels_used()
    assert own.levels == (0.0, 2.0)
    assert own.values().tolist() == found.on("d").values().tolist()
    assert len(found.on("nobody's")) == 0


def test_two_sets_in_one_coding() -> None:
    peers = Ratings.from_long("ab", "xx", [1, 2], columns={"role": ["p", "p"]})
    graders = Ratings.from_long("bc", "yy", [0, 2])
    both, theirs = combined(peers, graders)
    assert labels(both) == [*labels(peers), *labels(graders)]
    assert theirs.tolist() == [False, False, True, True]
    assert both.levels == (0.0, 1.0, 2.0)
    with pytest.raises(RatedTwice):
        combined(peers, peers)
    mirrored = Ratings.from_long("d", "x", [1], scale=(1, 2), reverse=True)
    with pytest.raises(ValueError, match="reversed"):
        combined(peers, mirrored)


def test_bad_input_is_refused_by_name() -> None:
    with pytest.raises(RatedTwice, match="'a' rated work 'w' more than once") as caught:
        Ratings.from_long(["w", "w", "v"], ["a", "a", "a"], [1, 2, 1])
    assert caught.value.cells == [("w", "a", "")]
    with pytest.raises(ValueError, match=r"not on the scale: \[7\.0\]"):
        Ratings.from_long(["w"], ["a"], [7], levels=range(4))
    with pytest.raises(ValueError, match="one length"):
        Ratings.from_long(["w"], ["a", "b"], [1])
    with pytest.raises(ValueError, match="rise"):
        Ratings.from_long(["w"], ["a"], [1], levels=[2, 1])
    with pytest.raises(ValueError, match="whole steps"):
        Ratings.from_long(["w"], ["a"], [1], scale=(0, 2.5))
    with pytest.raises(ValueError, match="row 2 has no rater"):
        Ratings.from_long(["w", "v"], ["a", None], [1, 1])
    collector = Collector()
    collector.add(["w"], ["a"], [1])
    with pytest.raises(ValueError, match="the same columns"):
        collector.add(["v"], ["a"], [1], criterion=["c"])


def test_renumbering_leaves_no_gaps() -> None:
    present, place = compact(np.array([4, 1, 4], np.int32), 6)
    assert present.tolist() == [1, 4]
    assert place.tolist() == [1, 0, 1]


def test_a_filtered_set_knows_its_own_counts() -> None:
    found = Ratings.from_long("abc", "xyz", [1, 1, 2])
    assert found.n_raters == 3
    assert found.where(found.level == 0).n_raters == 2
