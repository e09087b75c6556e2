"""What tests of the code break's pages do again and again."""

from __future__ import annotations

from pharmacy.unblinded.code_break import breaking
from tests.support.lit_builders import LitStudy

IVIG = "M-008 receives immune globulin intravenous (human) 10%."


def door(study: LitStudy, code: str = "") -> str:
    """The path of the break's page, or of the form's action for one participant."""
    path = f"/break/{study.study_id}"
    if not code:
        return path
    with study.trial.look("investigator") as act:
        return f"{path}/{next(one.id for one in breaking.choices(act) if one.code == code)}"


def filled(study: LitStudy, **changes: str) -> dict[str, str]:
    return {
        "reason": "treatment",
        "said": "",
        "passphrase": study.passphrases["investigator"],
        **changes,
    }
