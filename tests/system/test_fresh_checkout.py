"""The README's first command on a fresh checkout: from files alone to a page."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_LIMIT_S = 600  # the first downloads included


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what git would check out, new files included."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=_ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (_ROOT / name).exists():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(_ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.deep
@pytest.mark.parametrize("target", ["demo", "run"])
def test_one_command_leads_to_a_page(checkout: Path, target: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (checkout / "printed").open("w+b") as printed:
        made = subprocess.Popen(
            ["make", target, f"PORT={port}"],
            cwd=checkout,
            env={name: value for name, value in os.environ.items() if "TWINBAG" not in name},
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            assert _first_page(made, port) == 200, (checkout / "printed").read_text()
        finally:
            os.killpg(made.pid, signal.SIGINT)  # Ctrl-C reaches make and the server alike
            made.wait(60)
    told = (checkout / "printed").read_text()
    assert f"http://127.0.0.1:{port}" in told
    assert "Traceback" not in told


def _first_page(made: subprocess.Popen[bytes], port: int) -> int | None:
    """The status of the first page, or None if the command ends, or the time, before it."""
    until = time.monotonic() + _LIMIT_S
    while made.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
                return int(page.status)
        except urllib.error.URLError:
            time.sleep(0.5)
    return None
