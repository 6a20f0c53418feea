"""Where templates, static files and rubrics lie: the source tree, or the wheel's ``_assets``."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Give the folder ``templates``, ``static`` or ``rubrics``.

    Raises
    ------
    FileNotFoundError
        Neither the source tree nor the wheel has it.
    """
    for root in (_PACKAGE / "_assets", _PACKAGE.parent):
        if (root / name).is_dir():
            return root / name
    raise FileNotFoundError(f"{name} is neither beside the package nor inside it")
