"""The examples in the docstrings of the measurement core are run."""

import doctest
import importlib
import pkgutil

import pytest

from grading import measurement

MODULES = [
    info.name for info in pkgutil.walk_packages(measurement.__path__, f"{measurement.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0


def test_the_statistics_have_examples() -> None:
    attempted = sum(doctest.testmod(importlib.import_module(name)).attempted for name in MODULES)
    assert attempted > 40
