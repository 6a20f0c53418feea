"""What the demo says at length, kept as files beside this one."""

from importlib import resources


def read(name: str) -> str:
    """Give the text of one file."""
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
