"""Benchmarks: each prints its median and the ratio to a floor that is measured beside it.

Single times mean little on a shared machine; a ratio against the cheapest thing of the same kind
holds when the machine's speed drifts. Nothing here passes or fails.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from statistics import median
from time import perf_counter

from reportlab.pdfgen.canvas import Canvas

from labels.pdf import outer_label_pdf
from pharmacy.persistence.migrating import upgrade
from tests.bench.breaking import from_the_door_to_the_arm
from tests.bench.camera import camera_reads
from tests.domain.protocols import plan_for
from tests.labels.samples import BAG
from tests.support.builders import PASSWORD, blinded_app, make_trial

_ROUNDS = 30
_BASE = "http://127.0.0.1:8000"


def main() -> None:
    """Print one line per benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        _scans(Path(folder))
        camera_reads(Path(folder) / "camera")
        from_the_door_to_the_arm(Path(folder) / "break")
    _compare("outer label, read back", lambda: outer_label_pdf(BAG), "empty page", _page)
    _compare("dose plan", lambda: plan_for("59.6"), "one exact division", _division)


def _scans(folder: Path) -> None:
    url = f"sqlite:///{folder}/bench.db"
    upgrade(url)
    trial = make_trial(url)
    bag_id = trial.ready_bag()
    client = blinded_app(trial, url, folder).test_client()
    typed = {"user_name": "nurse.test", "password": PASSWORD}
    client.post("/sign-in", data=typed, base_url=_BASE)
    page = f"/study/{trial.study_id}/scan"
    token = client.get(page, base_url=_BASE).text.split('name="csrf_token" value="')[1][:64]
    numbers = iter(range(10**6))

    def scan() -> None:
        said = {"csrf_token": token, "operation_id": f"bench-operation-{next(numbers):06d}"}
        said |= {"code": trial.code(bag_id), "method": "scanner"}
        answer = client.post(page, data=said, base_url=_BASE, follow_redirects=True)
        if answer.status_code != 200:
            raise SystemExit(f"a scan was answered with {answer.status_code}")

    _compare(
        "scan and its answer", scan, "health page", lambda: client.get("/health", base_url=_BASE)
    )
    trial.engine.dispose()


def _page() -> None:
    canvas = Canvas(BytesIO(), invariant=1)
    canvas.showPage()
    canvas.save()


def _division() -> None:
    Decimal("119.2") / Decimal("0.1")


def _compare(
    name: str, act: Callable[[], object], floor_name: str, floor: Callable[[], object]
) -> None:
    pairs = [(_seconds(act), _seconds(floor)) for _ in range(_ROUNDS)]
    ratio = median(a / b for a, b in pairs)
    print(
        f"{name}: {median(a for a, _ in pairs) * 1000:.2f} ms, "
        f"{ratio:,.0f} times {floor_name} ({median(b for _, b in pairs) * 1000:.3f} ms)"
    )


def _seconds(act: Callable[[], object]) -> float:
    started = perf_counter()
    act()
    return perf_counter() - started


if __name__ == "__main__":
    main()
