"""The recovery sheets on one page, shown once: one sheet at a time on screen and on paper."""

from __future__ import annotations

from flask import render_template

from labels.key_symbol import key_symbol
from pharmacy.unblinded.doorway import lit_frame
from pharmacy.unblinded.recovery_halves import RecoverySheets
from pharmacy.web.access import act
from pharmacy.web.frame import page as frame


def show_sheets(sheets: RecoverySheets, onward: str) -> str:
    """The answer itself: the halves are kept nowhere to be shown again. `onward` comes next."""
    return render_template(
        "lit/recovery/sheets.html",
        page=frame("Recovery sheets"),
        lit=lit_frame(),
        sheets=[
            # Upper case has a shorter code; whoever reads the words back does not mind.
            (sheet, sheet.words.split(), key_symbol(sheet.words.upper()))
            for sheet in sheets.sheets
        ],
        number=sheets.number,
        onward=onward,
        study=act().in_study,
        study_id=act().in_study.id,
    )
