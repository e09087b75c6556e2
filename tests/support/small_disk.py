"""A small file system of a test's own: a tmpfs in a mount namespace that ends with its process."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path
from typing import IO

HOW_TO = (
    "A small file system cannot be mounted here, neither as root nor in a user namespace. Run the "
    "tests as root, in a container with --cap-add SYS_ADMIN, or allow user namespaces: "
    "sysctl kernel.unprivileged_userns_clone=1 (Debian), "
    "sysctl kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu)."
)


def command_on(folder: Path, size_kb: int, command: list[str]) -> list[str]:
    """A command line that mounts a tmpfs of `size_kb` on `folder` and runs `command` there.

    Fails (AssertionError) with a sentence that says what to do where nobody may mount.
    """
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "-Urm"]
    mount = f"size={size_kb}k"
    start = 'mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"'
    line = [*unshare, "sh", "-c", start, "sh", mount, str(folder)]
    tried = shutil.which("unshare") and subprocess.run(
        [*line, "true"], check=False, capture_output=True, timeout=30
    )
    assert tried, HOW_TO
    assert tried.returncode == 0, f"{HOW_TO} {tried.stderr.decode().strip()}"
    return [*line, *command]


class Ballast:
    """A file that takes every byte a file system has left, until it is thrown out."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ballast"

    def fill(self) -> None:
        """Leave nothing free."""
        with self._path.open("ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                while self._taken(file, size):
                    pass

    @staticmethod
    def _taken(file: IO[bytes], size: int) -> bool:
        try:
            file.write(bytes(size))
        except OSError as full:
            if full.errno == errno.ENOSPC:
                return False
            raise
        return True

    def throw_out(self) -> None:
        """Free it all again."""
        self._path.unlink()
