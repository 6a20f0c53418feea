"""The ``grading`` command."""

import os

from grading.app import create_app
from grading.cli import main as run
from grading.settings import from_environment


def main() -> None:
    """Run the command; settings are read only when a part of it needs the service."""
    run(lambda settings=None: create_app(settings or from_environment(os.environ)))


if __name__ == "__main__":
    main()
