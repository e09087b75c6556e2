"""Cover label and card of whoever waits for the nurse, to print or to hold before a camera.

They lie beside the practice study's database, for its owner alone, like its sign-ins.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from pharmacy.demo.scenes import ToScan

FOLDER_NAME = "demo-papers"


def keep(to_scan: Sequence[ToScan], draft: Path, beside: Path) -> None:
    """Write the papers whole or not at all; `draft` is a folder that goes away, `beside` stays."""
    written = draft / FOLDER_NAME
    written.mkdir(mode=0o700)
    for each in to_scan:
        for name, pdf in (("cover", each.cover_pdf), ("card", each.card_pdf)):
            paper = written / f"{each.participant}-{name}.pdf"
            paper.touch(mode=0o600)
            paper.write_bytes(pdf)
    kept = beside / FOLDER_NAME
    if kept.exists():
        shutil.rmtree(kept)
    written.rename(kept)
