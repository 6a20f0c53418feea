"""The examples in the docstrings of the measurement core are run."""

import doctest
import importlib
import pkgutil

from grading import measurement


def test_every_example_runs_and_the_statistics_have_examples() -> None:
    results = {
        info.name: doctest.testmod(importlib.import_module(info.name))
        for info in pkgutil.walk_packages(measurement.__path__, f"{measurement.__name__}.")
    }
    assert {name for name, result in results.items() if result.failed} == set()
    assert sum(result.attempted for result in results.values()) > 40
