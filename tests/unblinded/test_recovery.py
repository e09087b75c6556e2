"""The recovery key: two pairs of sheets, making new ones, and the server's secrets sealed to it."""

from __future__ import annotations

from io import BytesIO

import pytest
import segno
import sqlalchemy as sa
import zxingcpp
from PIL import Image

from pharmacy.crypto.deriving import fingerprint_of_secret
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.unblinded import (
    recovery_halves,
    recovery_key,
    recovery_reissue,
    server_secrets,
    trail,
)
from pharmacy.unblinded.recovery_halves import join_sheets
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.tables import KeyWrap, StudyKeys
from pharmacy.unblinded.tables_recovery import SealedServerSecret
from tests.architecture.trails import trail_faults
from tests.support.lit_builders import BREAK_KEY, PEPPER, LitStudy, open_study
from tests.unblinded.recovery_acts import (
    SERVER,
    SHEETS,
    public_of,
    reissue,
)


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A study with a loaded list."""
    return open_study(sqlite_url)


def test_either_pair_gives_the_key_and_no_mixture_does(study: LitStudy) -> None:
    """keys.md: two pairs; a half of one with a half of the other says nothing (H8)."""
    assert study.recovery is not None
    public, words = public_of(study), {one.name: one.words for one in study.recovery.sheets}
    assert len(set(words.values())) == 4
    joined = {
        join_sheets(study.study_id, public, words[f"A{pair}"], words[f"B{pair}"]).private
        for pair in "12"
    }
    assert len(joined) == 1
    assert join_sheets(study.study_id, public, words["B1"], words["A1"]).pair == "A1"
    for one, other in (("A1", "B2"), ("A2", "B1"), ("A1", "A2"), ("B1", "B2"), ("A1", "A1")):
        with pytest.raises(BadForm) as refused:
            join_sheets(study.study_id, public, words[one], words[other])
        assert "Only two of one pair" in refused.value.errors["second_sheet"]


def test_what_is_typed_wrong_gets_a_sentence_that_helps(study: LitStudy) -> None:
    """An altered word is named; a sheet of another study or of an older key is called that."""
    assert study.recovery is not None
    public = public_of(study)
    a1, b1 = study.recovery.words("A1", "B1")
    said = a1.split()
    said[6] = "zoom" if said[6] != "zoom" else "zone"
    for text, told in (
        (" ".join(said), "Word 7 is not the printed one."),
        (" ".join([*a1.split()[1::-1], *a1.split()[2:]]), "Words 1 and 2 changed places."),
        (a1.replace(a1.split()[0], "mispelt", 1), "Word 1 is not in the word list."),
        (a1.rpartition(" ")[0], "The sheet has 22 words; 21 were typed."),
    ):
        with pytest.raises(BadForm) as refused:
            join_sheets(study.study_id, public, text, b1)
        assert refused.value.errors == {"first_sheet": told}
    for study_id, key in (("f" * 32, public), (study.study_id, bytes(32))):
        with pytest.raises(BadForm) as refused:
            join_sheets(study_id, key, a1, b1)
        assert set(refused.value.errors) == {"first_sheet", "second_sheet"}
        assert "are on no sheet of this study" in refused.value.errors["first_sheet"]
    assert join_sheets(study.study_id, public, f"  {a1.upper()}\n", b1.replace(" ", "  "))


def test_a_scanner_reads_the_code_as_if_the_words_were_typed(study: LitStudy) -> None:
    """The code on the sheet is read by another library than the one that drew it."""
    assert study.recovery is not None
    for sheet in study.recovery.sheets:
        drawn = BytesIO()
        symbol = segno.make(sheet.words.upper(), error="m", micro=False, boost_error=False)
        symbol.save(drawn, kind="png", scale=4, border=4)
        (read,) = zxingcpp.read_barcodes(Image.open(drawn))
        assert read.text.lower() == sheet.words
        assert symbol.version <= 10, "the code grows too fine for a hand scanner"


def test_no_half_comes_into_a_text_by_accident(study: LitStudy) -> None:
    assert study.recovery is not None
    for shown in (repr(study.recovery), repr(study.recovery.sheets[0]), repr(SERVER)):
        assert all(word not in shown for word in study.recovery.sheets[0].words.split())
        assert PEPPER.hex() not in shown


@pytest.mark.parametrize("who", ["statistician", "pharmacist"])
def test_whoever_holds_the_list_key_makes_new_sheets(study: LitStudy, who: str) -> None:
    """Also while a list is loaded; the old sheets are void, and everybody's pins still hold."""
    old, before = study.recovery, public_of(study)
    assert old is not None
    study.room("checker")
    new = reissue(study, who)
    assert public_of(study) != before
    assert {one.words for one in new.sheets}.isdisjoint(one.words for one in old.sheets)
    with pytest.raises(BadForm):
        join_sheets(study.study_id, public_of(study), *old.words("A1", "B1"))
    study.rooms.clear()
    for each in ("statistician", "pharmacist", "pharmacist2", "checker"):
        assert study.room(each)
    assert "recovery_key_reissued" in [entry.event for entry in study.trial.events()]
    with study.trial.look("statistician") as act:
        events = [each["event"] for each in trail.entries(act, study.room(who).record_key)]
        assert recovery_reissue.REISSUED in events
        old_wraps = sa.select(KeyWrap).where(KeyWrap.recipient == recovery_key.RECOVERY)
        assert len(act.uow.session.scalars(old_wraps).all()) == 2
        assert trail_faults(act.uow.session) == []


def test_who_holds_no_list_key_makes_no_sheets(study: LitStudy) -> None:
    """A checker reads records and no list; a nurse has no business here (C6)."""
    for who in ("checker", "nurse"):
        with pytest.raises(Refusal) as refused:
            study.trial.do(
                who, recovery_reissue.reissue, study.passphrases.get(who, "none"), SERVER
            )
        assert refused.value.status == 403


def test_keys_that_somebody_else_signed_are_not_trusted(study: LitStudy) -> None:
    """Only a holder of the list key may stand for the founder: not a checker, not a stranger."""
    study.room("pharmacist")
    for who in ("checker", "nurse"):
        with study.trial.act("administrator") as act:
            made = act.uow.session.get_one(StudyKeys, (study.study_id, 1))
            made.signed_by = study.trial.ids[who]
            act.record("tampered", "study")
        study.rooms.clear()
        with pytest.raises(Refusal, match="not the ones"):
            study.room("pharmacist")


def test_the_servers_secrets_are_sealed_to_the_recovery_key(study: LitStudy) -> None:
    """keys.md: pepper and break key are also sealed to the recovery key, and to nothing else."""
    assert study.recovery is not None
    public = public_of(study)
    joined = join_sheets(study.study_id, public, *study.recovery.words("A2", "B2"))
    with study.trial.look("statistician") as act:
        rows = act.uow.session.scalars(sa.select(SealedServerSecret)).all()
        assert server_secrets.are_sealed(act, SERVER)
        assert not server_secrets.are_sealed(act, ServerSecrets(BREAK_KEY, PEPPER))
    opened = {
        row.name: server_secrets.opened(row.study_id, joined.private, public, row.name, row.wrapped)
        for row in rows
    }
    assert opened == {"pepper": PEPPER, "break_key": BREAK_KEY}
    kept = {row.name: row.fingerprint for row in rows}
    assert kept["break_key"] == fingerprint_of_secret(BREAK_KEY, "break-key")


def test_check_words_differ_by_sheet_and_key() -> None:
    said = {
        recovery_halves.check_words("s" * 32, bytes([key]) * 32, name)
        for key in (1, 2)
        for name in SHEETS
    }
    assert len(said) == 8
