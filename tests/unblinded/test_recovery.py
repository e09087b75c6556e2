"""The recovery key: two pairs of sheets, re-issue, custody, the drill, and taking over."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import segno
import sqlalchemy as sa
import zxingcpp
from PIL import Image

from pharmacy.crypto.deriving import fingerprint_of_secret
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Role
from pharmacy.unblinded import (
    granting,
    holders,
    recovering,
    recovery_custody,
    recovery_drill,
    recovery_halves,
    recovery_key,
    recovery_reissue,
    server_secrets,
    trail,
)
from pharmacy.unblinded.recovery_halves import RecoverySheets, join_sheets
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.tables import HolderKeys, KeyWrap, StudyKeys
from pharmacy.unblinded.tables_recovery import RecoveryKey, SealedServerSecret
from tests.architecture.trails import trail_faults
from tests.support.builders import PASSWORD, add_person
from tests.support.lit_builders import BREAK_KEY, PEPPER, LitStudy, open_study

SERVER = ServerSecrets(PEPPER, BREAK_KEY)
SHEETS = ("A1", "B1", "A2", "B2")


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A study with a loaded list."""
    return open_study(sqlite_url)


@pytest.fixture
def on_both(database_url: str) -> Iterator[LitStudy]:
    """The same, on both databases."""
    made = open_study(database_url)
    yield made
    made.trial.engine.dispose()


def public_of(study: LitStudy) -> bytes:
    with study.trial.look("statistician") as act:
        return act.uow.session.get_one(StudyKeys, (study.study_id, 1)).recovery_public


def reissue(study: LitStudy, who: str = "statistician") -> RecoverySheets:
    """New sheets by a holder who has opened the room before."""
    study.room(who)
    sheets = study.trial.do(who, recovery_reissue.reissue, study.passphrases[who], SERVER)
    study.recovery = sheets
    return sheets


def facts_of(study: LitStudy) -> recovery_custody.RecoveryFacts:
    with study.trial.look("statistician") as act:
        return recovery_custody.recovery_facts(act)


def place(study: LitStudy, name: str, **said: object) -> None:
    facts = {
        "custodian": f"Custodian {name}",
        "place": f"Building {name[1]}",
        "seal": f"S-{name}",
        "unblinded": True,
        "password": PASSWORD,
        **said,
    }
    study.do("statistician", recovery_custody.record_place, name, *facts.values())


def place_all(study: LitStudy) -> None:
    for name in SHEETS:
        place(study, name)


def newcomer(study: LitStudy, who: str = "newcomer", role: Role = Role.PHARMACIST) -> None:
    """Somebody with a role of the lit room and keys of their own, and nothing of the study's."""
    study.trial.ids[who] = add_person(study.trial, who, f"{who.title()} Person", role)
    study.make_keys(who)


def take_over(study: LitStudy, who: str = "newcomer", pair: str = "1", **said: str) -> None:
    assert study.recovery is not None
    first, second = study.recovery.words(f"A{pair}", f"B{pair}")
    given = {
        "first": first,
        "second": second,
        "reason": "left",
        "passphrase": study.passphrases[who],
        "password": PASSWORD,
        **said,
    }
    study.trial.do(who, recovering.recover, *given.values(), PEPPER)


# --- the sheets


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


# --- new sheets


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


# --- pepper and break key


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


# --- custody


def test_custody_of_all_four_makes_it_sealed(study: LitStudy) -> None:
    """What the page before going live asks for: both pairs' custodians and seals recorded."""
    facts = facts_of(study)
    assert facts.made
    assert not facts.sealed
    for name in SHEETS:
        assert not facts_of(study).sealed
        place(study, name)
    facts = facts_of(study)
    assert facts.sealed
    assert not facts.overdue
    assert facts.drill_due is not None
    assert [sheet.custodian for sheet in facts.sheets] == [f"Custodian {name}" for name in SHEETS]
    reissue(study)
    assert not facts_of(study).sealed, "the custody of void sheets counts for nothing"


def test_one_fire_or_one_person_must_not_have_a_pair(study: LitStudy) -> None:
    place(study, "A1")
    for name, said, field in (
        ("B1", {"custodian": "custodian  a1"}, "custodian"),
        ("A2", {"place": "BUILDING 1"}, "place"),
        ("B2", {"seal": "s-a1"}, "seal"),
        ("B2", {"unblinded": False}, "unblinded"),
        ("B2", {"custodian": "   "}, "custodian"),
    ):
        with pytest.raises(BadForm) as refused:
            place(study, name, **said)
        assert set(refused.value.errors) == {field}
    place(study, "B2", custodian="Custodian A1"), "halves of two pairs say nothing together"


def test_a_seal_is_looked_at_every_quarter(study: LitStudy) -> None:
    """Overdue after three months; seal and check words are compared, and nothing is opened."""
    place_all(study)
    study.trial.clock.move(days=93)
    assert facts_of(study).overdue == SHEETS
    sheet = facts_of(study).sheets[0]
    for said, field in (
        (("X-1", sheet.check), "seal"),
        ((sheet.seal, "wrong words"), "check"),
    ):
        with pytest.raises(BadForm) as refused:
            study.do("statistician", recovery_custody.record_check, "A1", True, *said, PASSWORD)
        assert set(refused.value.errors) == {field}
    checked = (True, sheet.seal.lower(), sheet.check.upper(), PASSWORD)
    study.do("statistician", recovery_custody.record_check, "A1", *checked)
    assert facts_of(study).overdue == ("B1", "A2", "B2")
    assert facts_of(study).sealed
    broken = (False, "", "", PASSWORD)
    study.do("pharmacist", recovery_custody.record_check, "B1", *broken)
    assert not facts_of(study).sealed
    assert "sheet B1 is not whole" in facts_of(study).used


def test_nobody_checks_what_nobody_keeps(study: LitStudy) -> None:
    with pytest.raises(Refusal, match="where this sheet lies"):
        study.do("statistician", recovery_custody.record_check, "A1", True, "1", "a b", PASSWORD)
    with pytest.raises(Refusal) as refused:
        study.do("statistician", recovery_custody.record_check, "C1", True, "1", "a b", PASSWORD)
    assert refused.value.status == 404


# --- the drill


def test_the_drill_opens_the_canary_and_demands_new_sheets(study: LitStudy) -> None:
    """keys.md: a yearly full drill that opens a canary, then re-issue."""
    place_all(study)
    study.trial.clock.move(days=367)
    assert facts_of(study).drill_overdue
    assert study.recovery is not None
    words = study.recovery.words("B2", "A2")
    assert study.do("pharmacist", recovery_drill.drill, *words, PASSWORD) is True
    facts = facts_of(study)
    assert not facts.drill_overdue
    assert not facts.sealed
    assert "opened for a drill" in facts.used
    reissue(study)
    assert facts_of(study).used == ""
    assert not facts_of(study).drill_overdue


def test_a_canary_that_does_not_open_fails_the_drill(study: LitStudy) -> None:
    """The planted control: with another canary in its place the drill says so, on the record."""
    assert study.recovery is not None
    with study.trial.act("administrator") as act:
        row = act.uow.session.get_one(RecoveryKey, (study.study_id, 1))
        row.canary = row.canary[:-1] + bytes([row.canary[-1] ^ 1])
        act.record("tampered", "study")
    words = study.recovery.words("A1", "B1")
    assert study.do("pharmacist", recovery_drill.drill, *words, PASSWORD) is False
    assert facts_of(study).drill_due is None, "a drill that failed is none"
    newest = study.trial.events()[0]
    assert newest.event == "recovery_drill_checked"


def test_the_drill_can_open_nothing_else() -> None:
    """It names no wrap, no list and no record key: read from its own source."""
    source = Path(recovery_drill.__file__).read_text()
    assert reached(source) == set()
    assert reached(source + "\nfrom pharmacy.unblinded import granting\n") == {"granting"}


def reached(source: str) -> set[str]:
    """What a module imports that opens or hands out a study's keys."""
    dangerous = {"granting", "recovering", "founding", "wrapping", "aead", "unwrap", "KeyWrap"}
    names = {
        part
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
        for part in (*name.name.split("."), *(getattr(node, "module", "") or "").split("."))
    }
    return names & dangerous


# --- taking over


@pytest.mark.parametrize("pair", ["1", "2"])
def test_two_halves_give_a_newcomer_the_keys(on_both: LitStudy, pair: str) -> None:
    """H8: every holder gone, two custodians give somebody else the study; it is written down."""
    study = on_both
    place_all(study)
    newcomer(study)
    take_over(study, pair=pair)
    room = study.open_room("newcomer", enrolled_by="newcomer")
    assert room.list_key == study.room("pharmacist").list_key
    assert "recovery_used" in [entry.event for entry in study.trial.events()]
    assert "gave somebody the keys" in facts_of(study).used
    study.rooms["newcomer"] = room
    reissue(study, "newcomer")
    assert facts_of(study).used == ""
    study.rooms.clear()
    for who in ("pharmacist", "checker", "statistician"):
        assert study.room(who), "those who are still there trust the recovery key's word"
    with study.trial.look("newcomer") as act:
        assert trail_faults(act.uow.session) == []
    study.trial.ids["later"] = add_person(study.trial, "later", "Lena Later", Role.CHECKER)
    study.make_keys("later")
    study.grant("later", by="newcomer")
    assert study.room("later", enrolled_by="newcomer"), "any holder enrols others"


def test_a_statistician_who_took_over_enrols_the_next(study: LitStudy) -> None:
    newcomer(study, role=Role.STATISTICIAN)
    take_over(study)
    study.open_room("newcomer", enrolled_by="newcomer")
    newcomer(study, "fresh", Role.CHECKER)
    study.grant("fresh", by="newcomer")
    assert study.open_room("fresh", enrolled_by="newcomer")


def test_who_may_not_take_over(study: LitStudy) -> None:
    newcomer(study)
    assert study.recovery is not None
    for said, kind in (
        ({"second": study.recovery.words("B2")[0]}, BadForm),
        ({"reason": "because"}, BadForm),
        ({"passphrase": "six wrong words of no use"}, Refusal),
        ({"password": "wrong"}, Refusal),
    ):
        with pytest.raises(kind):
            take_over(study, **said)
    with pytest.raises(Refusal, match="hold this study's keys already"):
        take_over(study, "pharmacist")
    with pytest.raises(Refusal):
        take_over(study, "checker")
    with study.trial.look("newcomer") as act:
        assert granting.granted(act, study.trial.ids["newcomer"]) == ()


def test_a_swapped_study_is_not_taken_over(study: LitStudy) -> None:
    """Somebody who can write the database wraps keys of their own to the recovery key (K12)."""
    newcomer(study)
    with study.trial.act("administrator") as act:
        other = act.uow.session.get_one(HolderKeys, study.trial.ids["checker"])
        founder = act.uow.session.get_one(HolderKeys, study.trial.ids["statistician"])
        founder.signing_public = other.signing_public
        made = act.uow.session.get_one(StudyKeys, (study.study_id, 1))
        made.inbox_public = other.exchange_public
        act.record("tampered", "study")
    with pytest.raises(Refusal, match="not the ones"):
        take_over(study)


def test_when_the_founder_has_other_keys_the_newcomer_stands_for_them(study: LitStudy) -> None:
    """The pepper is lost, everybody made new keys: the recovery key has signed the study's own."""
    newcomer(study, role=Role.STATISTICIAN)
    with study.trial.act("statistician") as act:
        act.uow.session.get_one(HolderKeys, act.person.id).confirmed = False
        act.record("lost", "passphrase")
    study.trial.do("statistician", holders.make, PEPPER)
    take_over(study)
    assert study.open_room("newcomer", enrolled_by="newcomer").list_key
    newcomer(study, "fresh", Role.PHARMACIST)
    study.grant("fresh", by="newcomer")
    assert study.open_room("fresh", enrolled_by="newcomer").list_key


def test_check_words_differ_by_sheet_and_key() -> None:
    said = {
        recovery_halves.check_words("s" * 32, bytes([key]) * 32, name)
        for key in (1, 2)
        for name in SHEETS
    }
    assert len(said) == 8
