"""The lines that tell whoever starts the practice study how to get in and what to try first.

They are kept beside its database because generated passphrases cannot be shown again. No other
installation keeps such a file: there a password and a passphrase are known to their owner alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pharmacy.demo import papers, way
from pharmacy.demo.cast import ADMINISTRATOR, BREAKER, HOLDERS, PASSWORD, PLAYERS, Player
from pharmacy.demo.practice import Practice
from pharmacy.demo.scenes import SCENES, ToScan
from pharmacy.domain.bag_code import grouped
from pharmacy.domain.roles import ROLES
from pharmacy.services.printing import WATERMARK

FILE_NAME = "demo-sign-ins.txt"
AFRESH = "make fresh-demo"
_GAP = "  "


def lines_of(practice: Practice, to_scan: Sequence[ToScan], file: Path) -> list[str]:
    """Everything that is printed at a start of the practice study, line by line."""
    everybody = (ADMINISTRATOR, *PLAYERS)
    return [
        f"Practice study MIGHT: {WATERMARK}. Nobody in it is real.",
        "",
        *_columns([("Person", "Role", "User name", "Password"), *map(_sign_in, everybody)]),
        "",
        "The lit room opens with a passphrase of one's own:",
        *_columns([(_named(who).user_name, practice.passphrases[who]) for who in HOLDERS]),
        "",
        "The code of one participant is broken with a passphrase of one's own:",
        *_columns([(_named(BREAKER).user_name, practice.passphrases[BREAKER])]),
        "",
        "Ready to try:",
        *_columns([(scene.code, scene.standing, f"{scene.next_step}.") for scene in SCENES]),
        "",
        "For the nurse to type, where no label was printed:",
        *_columns([row for each in to_scan for row in _codes(each)]),
        f"The same on paper, to print or to show to a camera: {file.with_name(papers.FOLDER_NAME)}",
        f"On every practice container stands: lot {way.LOT}, expiry "
        f"{way.expiry(practice.clock.at):%Y-%m-%d}.",
        f"M-008: {to_scan[0].start_by}. After that, begin afresh: {AFRESH}",
        f"These lines are kept for practice only, in {file}.",
    ]


def keep(lines: Sequence[str], folder: Path, file: Path) -> None:
    """Write the lines whole or not at all, readable by the owner alone; `folder` holds a draft."""
    draft = folder / FILE_NAME
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write("".join(f"{line}\n" for line in lines))
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)


def kept(file: Path) -> list[str]:
    """The lines as they were kept; without the file, how to begin afresh."""
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return [
            f"The practice study is there, but its sign-ins in {file} are gone, and nobody else "
            f"knows them. To begin afresh: {AFRESH}"
        ]


def _sign_in(player: Player) -> tuple[str, str, str, str]:
    role = ROLES[player.role].title.lower() if player.role else player.key
    return player.full_name, role, player.user_name, PASSWORD


def _codes(each: ToScan) -> tuple[tuple[str, str, str], ...]:
    return (
        (each.participant, "bag", grouped(each.cover)),
        (each.participant, "card", grouped(each.card)),
    )


def _named(who: str) -> Player:
    return next(player for player in PLAYERS if player.key == who)


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        _GAP + _GAP.join(cell.ljust(at) for cell, at in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
