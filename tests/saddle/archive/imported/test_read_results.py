"""What is read from tables of results, and what is wrong in them, cell by cell."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from saddle.archive.imported.results import TableColumns, metric_column, read_results
from saddle.archive.imported.table import ResultTable, read_table
from saddle.errors import TableError

TABLE = """\
# what was measured
method,run,data,PGD-10 (%),loss
plain,0,a,51.2,0.5
plain,1,a,52.4,
madry,0,a,61.0%,0.25
madry,1,a,nan,0.3
"""


def written(folder: Path, text: str = TABLE) -> ResultTable:
    (folder / "results.csv").write_text(text)
    return read_table(folder / "results.csv")


def columns(*metrics: str, percent: bool = True, blocks: tuple[str, ...] = ()) -> TableColumns:
    units = {"PGD-10 (%)": "percent"} if percent else {}
    return TableColumns("method", "run", [metric_column(text, units, []) for text in metrics], blocks)


PGD = "PGD-10 (%)=test/robust_accuracy.pgd_10"


def test_a_row_is_an_arm_with_a_seed_and_the_metrics_that_have_a_value(tmp_path: Path) -> None:
    results = read_results(written(tmp_path), columns(PGD, "loss"))
    pgd, loss = "test/robust_accuracy.pgd_10", "test/loss"
    assert [(result.arm, result.seed) for result in results] == [
        ("plain", 0), ("plain", 1), ("madry", 0), ("madry", 1),
    ]  # fmt: skip
    assert [dict(result.metrics) for result in results] == [
        {pgd: 0.512, loss: 0.5}, {pgd: 0.524}, {pgd: 0.61, loss: 0.25}, {loss: 0.3},
    ]  # fmt: skip
    assert [tuple(result.without_value) for result in results] == [(), (loss,), (), (pgd,)]


def test_a_parquet_file_says_the_same_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "results.parquet"
    rows = {"method": ["plain", "madry"], "run": [0.0, 1.0], "score": [0.25, None]}
    pq.write_table(pa.table(rows), path)
    results = read_results(read_table(path), TableColumns("method", "run", [metric_column("score", {}, [])]))
    assert [(result.arm, result.seed, dict(result.metrics)) for result in results] == [
        ("plain", 0, {"test/score": 0.25}), ("madry", 1, {}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "unit", "name", "direction", "kept"),
    [
        ("score", "", "test/score", "maximize", ""),
        ("PGD-10 (%)", "percent", "test/pgd_10", "maximize", "fraction"),
        ("validation/accuracy", "", "validation/accuracy", "maximize", "fraction"),
        ("seconds", "s", "test/seconds", "minimize", "s"),
        ("x=test/distance", "", "test/distance", "minimize", ""),
    ],
)
def test_a_column_is_a_metric_with_a_direction_and_a_unit(
    text: str, unit: str, name: str, direction: str, kept: str
) -> None:
    column = metric_column(text, {"": unit}, [])
    assert (column.metric.name, column.metric.direction, column.metric.unit) == (name, direction, kept)
    assert metric_column(text, {"": unit}, [column.column]).metric.direction == "minimize"


def test_a_column_that_gives_no_name_of_a_metric_is_refused() -> None:
    with pytest.raises(TableError, match="'test/9' is not the name of a metric; write --metric 9=test/NAME"):
        metric_column("9", {}, [])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("plain,1", "plain,0", "results.csv, line 4: plain with seed 0 is also in line 3; name the column"),
        ("plain,1", "plain,one", "results.csv, line 4: run is 'one', and a seed is a whole number"),
        ("plain,1", ",1", "results.csv, line 4: method is empty"),
        ("52.4", "good", "results.csv, line 4: PGD-10 (%) is 'good': could not convert"),
        ("52.4", "inf", "results.csv, line 4: PGD-10 (%) is 'inf': it is not finite"),
        ("52.4", "152.4", "line 4: PGD-10 (%) is '152.4': test/robust_accuracy.pgd_10 goes from 0 to 1"),
        ("52.4,", "52.4", "results.csv, line 4: it has 4 cells, and the table has 5 columns"),
        ("method,", "metod,", "results.csv has no column 'method'; did you mean metod?"),
        ("loss\n", "run\n", "results.csv has two columns 'run'"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(TableError) as raised:
        read_results(written(tmp_path, TABLE.replace(old, new, 1)), columns(PGD))
    assert said in str(raised.value)


def test_per_cent_in_a_share_is_refused_with_the_option_that_is_lacking(tmp_path: Path) -> None:
    with pytest.raises(TableError) as raised:
        read_results(written(tmp_path), columns(PGD, percent=False))
    first, *others = raised.value.problems
    assert first.endswith("goes from 0 to 1; for per cent add --unit PGD-10 (%)=percent")
    assert len(others) == 2  # every cell that has a value


def test_rows_are_chosen_by_their_values(tmp_path: Path) -> None:
    table = written(tmp_path)
    assert len(table.where({"method": "madry", "run": "1"}).rows) == 1
    with pytest.raises(TableError, match=r"no row of results\.csv has data=b"):
        table.where({"data": "b"})


@pytest.mark.parametrize(("name", "content"), [("t.parquet", b"PAR"), ("t.csv", b"\xff\xfe\x00")])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=f"{name} is no"):
        read_table(tmp_path / name)
    with pytest.raises(TableError, match="does not exist"):
        read_table(tmp_path / "absent.csv")
