"""Ratings from files: long CSV or Parquet, in blocks, with every fault named at once.

It may import `grading.measurement.ratings` and what that rests on.
"""

from grading.measurement.files.arrow import read_parquet
from grading.measurement.files.cells import Columns, tidy
from grading.measurement.files.faults import FaultyRows, RowFault
from grading.measurement.files.long_csv import read_csv

__all__ = ["Columns", "FaultyRows", "RowFault", "read_csv", "read_parquet", "tidy"]
