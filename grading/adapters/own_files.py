"""What the service writes is for its own user alone."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# No right for the group, none for others: databases, files, mails with live links, backups, exports.
PRIVATE = 0o077


def keep_private(paths: Iterable[Path]) -> None:
    """Have all that this process writes be private (0700, 0600), and what it wrote before as well.

    A folder that is another user's, or that cannot be changed, stays as whoever keeps it wants it.
    """
    os.umask(PRIVATE)
    for path in paths:
        with suppress(OSError):
            path.chmod(0o700 if path.is_dir() else 0o600)
