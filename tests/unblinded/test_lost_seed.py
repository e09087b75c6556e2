"""A seed that is lost with its maker's former keys: said so, and no false alarm (C5, C8, H6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharmacy.domain.errors import Refusal
from pharmacy.unblinded import list_derivation, list_parts, rekeying
from tests.support.builders import PASSWORD
from tests.support.growth_builders import make_rows, rules_for
from tests.support.lit_builders import PEPPER, LitStudy, open_study
from tests.support.world import build_app
from tests.unblinded.list_acts import blinded_events, make, sealed_events
from tests.unblinded.renewal_acts import forget

DERIVED = list_derivation.DERIVED_EVENT
LOST = "The seed is lost with your former keys"


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A list of two parts, both made here by the statistician; somebody else has been in."""
    made = open_study(sqlite_url, loaded=False)
    make(made)
    make_rows(made, {"": 8})
    made.room("pharmacist")
    made.trial.clock.move(minutes=1)
    return made


def _new_keys(study: LitStudy) -> None:
    forget(study, "statistician")
    study.grant("statistician", by="pharmacist")
    study.room("statistician", enrolled_by="pharmacist")


def _derive(study: LitStudy, part: int, form: str = "derive-operation-1") -> bool:
    words, rules = study.passphrases["statistician"], rules_for(study)
    same: bool = study.do(
        "statistician", list_derivation.derive_again, rules, words, form, PEPPER, part
    )
    return same


def _written_down(study: LitStudy) -> tuple[int, int]:
    sealed = [one for one in sealed_events(study) if one["event"] == DERIVED]
    return len(blinded_events(study, DERIVED)), len(sealed)


@pytest.mark.parametrize("part", [1, 2])
def test_a_lost_seed_is_no_difference_and_is_not_written_down(study: LitStudy, part: int) -> None:
    """Both trails would say for ever that the list is not the one that was loaded."""
    assert _derive(study, part) is True
    _new_keys(study)
    with pytest.raises(Refusal, match=LOST):
        _derive(study, part, "derive-operation-2")
    assert _written_down(study) == (1, 1)


def test_rows_made_since_are_made_again(study: LitStudy) -> None:
    """The control: with the new keys a new part has a seed that opens."""
    _new_keys(study)
    study.trial.clock.move(minutes=1)
    make_rows(study, {"": 4})
    assert _derive(study, 3) is True


def test_the_page_does_not_offer_what_is_lost(
    study: LitStudy, sqlite_url: str, tmp_path: Path
) -> None:
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    browser = study.browser(app, "statistician")
    pages = {"list": "list/derive", "list/parts/2": "list/parts/2/derive"}
    for path in pages:
        assert "Derive the list again" in browser.get(browser.lit(path)).text
    study.trial.do("statistician", rekeying.give_up_keys, PASSWORD, True)
    for path, derive in pages.items():
        assert "Derive the list again" not in browser.get(browser.lit(path)).text
        shown = browser.get(browser.lit(derive)).text
        assert LOST in shown
        assert 'name="passphrase"' not in shown


def test_the_same_form_sent_again_after_new_keys_is_still_the_list(study: LitStudy) -> None:
    """C3: made once; the maker is who made it, whatever keys they have."""
    _new_keys(study)
    with study.trial.look("statistician") as act:
        before = list_parts.parts(act)[0].commitment
    assert make(study).commitment == before
