"""Another text of a study's protocol, laid down as no form would take it."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from pharmacy.persistence.studies import ProtocolVersion
from tests.support.builders import MIGHT, Trial


def lay_down(trial: Trial, old: str, new: str) -> None:
    """MIGHT with one passage changed becomes the newest protocol of the study."""
    text = MIGHT.read_text("utf-8")
    assert old in text, old
    text = text.replace(old, new).replace('version = "1.0"', 'version = "1.1"', 1)
    with trial.act("pharmacist") as act:
        act.uow.session.add(
            ProtocolVersion(
                id=act.new_id("protocol version"),
                study_id=trial.study_id,
                version="1.1",
                toml_text=text,
                sha256=hashlib.sha256(text.encode()).digest(),
                added_at=act.now + timedelta(seconds=1),
            )
        )
        act.record("laid_down", "protocol:1.1")
