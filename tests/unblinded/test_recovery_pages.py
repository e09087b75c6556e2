"""The pages of the recovery key, as two custodians and a holder use them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from pharmacy.domain.roles import Role
from tests.support.builders import PASSWORD, add_person
from tests.support.lit_builders import Browser, LitStudy, open_study
from tests.support.world import build_app


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    return open_study(sqlite_url)


@pytest.fixture
def app(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Flask:
    return build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)


@pytest.fixture
def holder(study: LitStudy, app: Flask) -> Browser:
    """A pharmacist with the room open."""
    return study.lit_browser(app, "pharmacist")


def words_of(study: LitStudy, *names: str) -> dict[str, str]:
    assert study.recovery is not None
    first, second = study.recovery.words(*names)
    return {"first_sheet": first, "second_sheet": second}


def test_sheets_are_placed_and_checked(holder: Browser, study: LitStudy) -> None:
    """What is missing is beside its field; what is recorded stands on the page."""
    path = holder.lit("recovery/sheets/A1")
    refused = holder.post(path, custodian="", place="", seal="", password="")
    assert refused.status_code == 400
    for field in ("custodian", "place", "seal", "password"):
        assert f'id="{field}-error"' in refused.text
    said = {"custodian": "Dana Whitfield", "place": "Safe 2", "seal": "TB-1"}
    unsaid = holder.post(path, **said, password=PASSWORD)
    assert 'id="unblinded-error"' in unsaid.text
    assert holder.post(path, **said, unblinded="y", password=PASSWORD).status_code == 303
    page = holder.get(holder.lit("recovery"))
    assert "Dana Whitfield" in page.text
    check = holder.lit("recovery/sheets/A1/check")
    shown = holder.get(check)
    assert "TB-1" not in shown.text, "what is compared is not shown"
    wrong = holder.post(check, whole="yes", seal="TB-2", check="a b", password=PASSWORD)
    assert wrong.status_code == 400
    broken = holder.post(check, whole="no", password=PASSWORD)
    assert broken.status_code == 303
    assert "sheet A1 is not whole" in holder.get(holder.lit("recovery")).text
    assert holder.get(holder.lit("recovery/sheets/C9")).status_code == 404


def test_a_drill_and_new_sheets(holder: Browser, study: LitStudy) -> None:
    """The halves come back on no page, neither refused nor done; new sheets are shown once."""
    path = holder.lit("recovery/drill")
    mixed = holder.post(path, **words_of(study, "A1", "B2"), password=PASSWORD)
    assert mixed.status_code == 400
    assert "Only two of one pair" in mixed.text
    done = holder.post(path, **words_of(study, "A1", "B1"), password=PASSWORD)
    assert done.headers["Location"].endswith("done=recovery_drill_passed")
    page = holder.get(holder.lit("recovery"))
    assert "opened for a drill" in page.text
    for words in words_of(study, "A1", "B1").values():
        assert words not in mixed.text + page.text
    new = holder.post(holder.lit("recovery/reissue"), passphrase=study.passphrases["pharmacist"])
    assert new.status_code == 200
    assert new.headers["Cache-Control"] == "no-store"
    assert len(re.findall(r'id="sheet-[AB][12]"', new.text)) == 4
    assert new.text.count("data:image/svg+xml") == 4
    assert "TRAINING - NOT FOR HUMAN USE" in new.text
    assert "opened for a drill" not in holder.get(holder.lit("recovery")).text


def test_somebody_without_keys_takes_over(study: LitStudy, app: Flask) -> None:
    """The page is open to the right role without any key of the study, and to nobody else."""
    study.trial.ids["newcomer"] = add_person(study.trial, "newcomer", "Nia New", Role.STATISTICIAN)
    newcomer = study.browser(app, "newcomer")
    assert "Your own keys come first" in newcomer.get(newcomer.lit("recovery/use")).text
    study.make_keys("newcomer")
    said = {
        "reason": "left",
        "passphrase": study.passphrases["newcomer"],
        "password": PASSWORD,
        **words_of(study, "B2", "A2"),
    }
    path = newcomer.lit("recovery/use")
    assert newcomer.post(path, **{**said, "password": "wrong"}).status_code == 403
    done = newcomer.post(path, operation_id="taking-over-0001", **said)
    assert done.status_code == 303
    again = newcomer.post(path, operation_id="taking-over-0001", **said)
    assert again.headers["Location"] == done.headers["Location"]
    assert newcomer.open_room(granter_words="").status_code == 303
    for who in ("checker", "nurse", "coordinator"):
        other = study.browser(app, who)
        assert other.get(other.lit("recovery/use")).status_code == 403
