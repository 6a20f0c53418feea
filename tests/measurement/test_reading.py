"""Files of ratings: what is read, and that every fault is named with its line."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from grading.measurement.files import Columns, FaultyRows, read_csv, read_parquet

HEADER = "work,rater,criterion,score\n"


@pytest.fixture
def written(tmp_path: Path):  # type: ignore[no-untyped-def]
    def write(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "ratings.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def faults(path: Path, **options: object) -> list[tuple[int, str]]:
    found = []
    for fast in (True, False):
        with pytest.raises(FaultyRows) as caught:
            read_csv(path, fast=fast, **options)  # type: ignore[arg-type]
        found.append([(fault.line, fault.message) for fault in caught.value.faults])
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize("fast", [True, False])
def test_an_ugly_file_is_understood(written, fast: bool) -> None:  # type: ignore[no-untyped-def]
    path = written(
        "\ufeffscore, rater ,work,criterion,note\r\n"
        "1,840.0,w 1,c,\r\n4.0, 840,w2 ,c,x\r\n,801,w2,c,y\r\n NA ,840,w3,c,z\r\n"
        '2,801,w1,c,"two\nlines"\r\n\r\n0,801,w 1,c,"a ""b"""\r\n'
    )
    found = read_csv(path, fast=fast)
    assert found.works == ("w 1", "w2", "w1")
    assert found.raters == ("840", "801")
    assert found.levels == (0.0, 1.0, 2.0, 4.0)
    assert found.values().tolist() == [1.0, 4.0, 2.0, 0.0]
    assert found.dropped == 2


def test_every_fault_is_named_at_once_with_its_line(written) -> None:  # type: ignore[no-untyped-def]
    path = written(
        HEADER + 'a,1,c,1\n,2,c,x\n"b\nb",2,c,9\nb,3\n\na,4,c,inf\na, ,c,2\n' + "a,5,,2\n"
    )
    assert faults(path, scale=(0, 3)) == [
        (3, "the score “x” is no number"),
        (3, "the column “work” is blank"),
        (5, "the score “9” is not on the scale"),
        (6, "2 cells where the header has 4"),
        (8, "the score “inf” is no number"),
        (9, "the column “rater” is blank"),
        (10, "the column “criterion” is blank"),
    ]


def test_a_rating_that_stands_twice_is_named_with_both_lines(written) -> None:  # type: ignore[no-untyped-def]
    path = written(HEADER + "a,1,c,1\nb,1,c,1\na,1.0,c,\na,1.0,c,2\na,1,d,2\na,1,c,1\n")
    assert faults(path) == [
        (5, "rater “1” rated work “a” on criterion “c” already in line 2"),
        (7, "rater “1” rated work “a” on criterion “c” already in line 2"),
    ]


def test_headers_and_encodings(written) -> None:  # type: ignore[no-untyped-def]
    assert faults(written("work,score,score\n")) == [
        (1, "the column “rater” is missing"),
        (1, "the column “score” stands there twice"),
    ]
    assert faults(written("")) == [
        (1, f"the column “{name}” is missing") for name in ("work", "rater", "score")
    ]
    assert faults(written(HEADER)) == [(1, "the file has no ratings")]
    bad = written(HEADER + "a,1,c,1\nb,é,c,1\n", "latin-1")
    assert "UTF-8" in faults(bad)[0][1]


def test_many_faults_are_counted_and_the_first_listed(written) -> None:  # type: ignore[no-untyped-def]
    path = written(HEADER + "".join(f"w{n},1,c,x{n}\n" for n in range(500)))
    with pytest.raises(FaultyRows) as caught:
        read_csv(path)
    assert caught.value.count == 500
    assert [fault.line for fault in caught.value.faults] == list(range(2, 102))


@pytest.mark.parametrize("fast", [True, False])
def test_columns_by_other_names_and_further_ones(written, fast: bool) -> None:  # type: ignore[no-untyped-def]
    path = written("essay,marker,mark,role\na,x,2,peer\nb,y,1,\n")
    names = Columns("essay", "marker", "mark", None, ("role",))
    found = read_csv(path, columns=names, fast=fast)
    assert (found.works, found.raters, found.criteria) == (("a", "b"), ("x", "y"), ("",))
    role = found.facet("role")
    assert [role.labels[code] for code in role.codes] == ["peer", ""]


@pytest.mark.parametrize("fast", [True, False])
def test_progress_is_told_to_the_end(written, fast: bool) -> None:  # type: ignore[no-untyped-def]
    path = written(HEADER + "".join(f"w{n},1,c,1\n" for n in range(3000)))
    told: list[tuple[int, float]] = []
    read_csv(path, progress=lambda *now: told.append(now), fast=fast)
    assert told[-1] == (3000, 1.0)


def test_labels_with_real_fractions_stay(written) -> None:  # type: ignore[no-untyped-def]
    found = read_csv(written(HEADER + "1.0,a,c,1\n1.5,a,c,1\n"))
    assert found.works == ("1.0", "1.5")


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    path = tmp_path / "ratings.parquet"
    table = pa.table(
        {
            "work": [840.0, 841.0, 840.0],
            "rater": ["a", "a", "b"],
            "criterion": pa.array(["c", "c", "c"]).dictionary_encode(),
            "score": pa.array([1, None, 2]),
        }
    )
    parquet.write_table(table, path)
    found = read_parquet(path)
    assert (found.works, found.raters, found.dropped) == (("840",), ("a", "b"), 1)
    assert found.values().tolist() == [1.0, 2.0]
    with pytest.raises(FaultyRows, match="row 3: the score “2” is not on the scale"):
        read_parquet(path, scale=(0, 1))
    parquet.write_table(pa.concat_tables([table, table]), path)
    with pytest.raises(FaultyRows, match="“a” rated work “840” on criterion “c” more than once"):
        read_parquet(path)


@pytest.mark.shared_data
def test_the_ugliest_real_file(shared_data: Path) -> None:
    path = shared_data / "austria_ratings3" / "scores.csv"
    one, other = read_csv(path), read_csv(path, fast=False)
    assert (len(one), one.dropped, len(one.raters), len(one.works)) == (12551, 125, 52, 561)
    assert "840" in one.raters
    assert np.array_equal(one.level, other.level)
    assert np.array_equal(one.work, other.work)
    assert one.works == other.works
