"""gunicorn as `serve` runs it, in processes of its own that can be killed and started anew."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from pharmacy.cli.serve import SERVER
from tests.support.builders import Trial

_LIMIT_S = 60
_ROOT = Path(__file__).resolve().parents[2]


class RealServer:
    """A server on one port for a trial's database, at the trial's moment; `with` ends it.

    `settings` are those of `make_config` that differ; with `real_cost` its derivations take as
    long as in production.
    """

    def __init__(
        self,
        trial: Trial,
        database_url: str,
        folder: Path,
        *,
        real_cost: bool = False,
        **settings: object,
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self.address = f"http://127.0.0.1:{self._port}"
        self._trial, self._database_url, self._folder = trial, database_url, folder
        self._settings, self._real_cost = settings, real_cost
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self.kill()

    def start(self) -> None:
        """Start it and wait until it answers."""
        environ = {
            **os.environ,
            "TEST_DATABASE": self._database_url,
            "TEST_FOLDER": str(self._folder),
            "TEST_NOW": self._trial.clock().isoformat(),
            "TEST_SETTINGS": json.dumps(self._settings),
            "TEST_REAL_COST": "yes" if self._real_cost else "",
        }
        bind = f"127.0.0.1:{self._port}"
        command = [sys.executable, *SERVER, "--bind", bind, "tests.support.served:app"]
        with (self._folder / "server.log").open("ab") as log:
            self._server = subprocess.Popen(
                command, cwd=_ROOT, env=environ, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + _LIMIT_S
        while not self._answers():
            assert self._server.poll() is None, (self._folder / "server.log").read_text()
            assert time.monotonic() < until, f"no page after {_LIMIT_S} s"
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL to the server and all its workers: nothing of it gets to say anything."""
        assert self._server is not None
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait(_LIMIT_S)
        self._server = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/static/css/tokens.css", timeout=10):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return True
        except OSError:
            return False
