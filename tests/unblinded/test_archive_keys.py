"""A closed study's archive after people made new keys: the same bytes, and always to be had.

What it says of keys was written down at the closing; signatures hold by known keys (E13, E14, H6).
"""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from pharmacy.crypto.archive_verifier import MANIFEST, SIGNATURES, check
from pharmacy.domain.errors import Refusal
from pharmacy.domain.stages import StudyStage
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.unblinded import archive, rekeying, study_end, trail
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.tables import ArchiveSignature
from tests.support import closing_acts as acts
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study
from tests.unblinded.renewal_acts import forget

ALL = ("statistician", "pharmacist", "pharmacist2", "checker")


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A closed study whose archive two have signed; every holder has been in the room."""
    made = open_study(sqlite_url)
    for who in ALL:
        made.room(who)
    acts.close(made)
    for who in ("statistician", "pharmacist"):
        acts.sign_archive(made, who)
    made.trial.clock.move(minutes=1)
    return made


def _opened(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as found:
        return {name: found.read(name) for name in found.namelist()}


def _again(study: LitStudy, who: str, by: str) -> None:
    """New keys, and enrolled again by somebody who is there."""
    forget(study, who)
    study.grant(who, by=by)
    study.room(who, enrolled_by=by)


def test_nobodys_new_keys_change_a_byte_of_it(study: LitStudy) -> None:
    """E13: neither those of somebody who did not sign, nor of one signer, nor of both."""
    packed = acts.archived(study, "pharmacist")
    study.trial.do("checker", rekeying.give_up_keys, PASSWORD, True)
    assert acts.archived(study, "pharmacist") == packed
    _again(study, "statistician", by="pharmacist")
    assert acts.archived(study, "pharmacist") == packed
    assert acts.archived(study, "statistician") == packed
    _again(study, "pharmacist", by="pharmacist2")
    assert acts.archived(study, "statistician") == packed
    assert check(packed).problems == ()


def test_the_words_are_those_of_the_closing_and_of_the_signatures(study: LitStudy) -> None:
    """E14: the archive and the page name the keys that signed, not those of today."""
    words = {who: study.six_words(who) for who in ALL}
    _again(study, "statistician", by="pharmacist")
    forget(study, "checker")
    files = _opened(acts.archived(study, "pharmacist"))
    told = {one["id"]: one["six_words"] for one in json.loads(files["people.json"])}
    assert {who: told[study.trial.ids[who]] for who in ALL} == words
    assert told[study.trial.ids["nurse"]] == ""
    signed = {one["six_words"] for one in json.loads(files[SIGNATURES])["signatures"]}
    assert signed == {words["statistician"], words["pharmacist"]}
    with study.trial.look("pharmacist") as act:
        assert {one.six_words for one in archive.signers(act)} == signed


def test_a_signature_by_new_keys_counts_as_well(study: LitStudy) -> None:
    """Signed again after new keys: the same manifest, and the words of the new keys."""
    before = _opened(acts.archived(study, "pharmacist"))
    _again(study, "statistician", by="pharmacist")
    study.trial.clock.move(minutes=1)
    acts.sign_archive(study, "statistician")
    packed = acts.archived(study, "pharmacist")
    assert check(packed).problems == ()
    assert _opened(packed)[MANIFEST] == before[MANIFEST]
    signed = {one["six_words"] for one in json.loads(_opened(packed)[SIGNATURES])["signatures"]}
    assert signed == {study.six_words("statistician"), study.six_words("pharmacist")}
    with study.trial.look("pharmacist") as act:
        assert {one.six_words for one in archive.signers(act)} == signed


def _spoil(study: LitStudy, who: str) -> None:
    with study.trial.act("administrator") as act:
        row = act.uow.session.get_one(ArchiveSignature, (study.study_id, study.trial.ids[who]))
        row.signature = bytes(64)
        act.record("changed_by_test", "archive")


def test_two_signatures_that_hold_are_enough_and_one_is_not(study: LitStudy) -> None:
    """A third one that holds for nothing is left out; with only one that holds it is refused."""
    packed = acts.archived(study, "pharmacist")
    acts.sign_archive(study, "pharmacist2")
    assert (
        len(json.loads(_opened(acts.archived(study, "pharmacist"))[SIGNATURES])["signatures"]) == 3
    )
    _spoil(study, "pharmacist2")
    assert acts.archived(study, "pharmacist") == packed
    _spoil(study, "statistician")
    with pytest.raises(Refusal, match="not of what stands here now"):
        acts.archived(study, "pharmacist")
    acts.sign_archive(study, "pharmacist2")
    signed = json.loads(_opened(acts.archived(study, "pharmacist"))[SIGNATURES])["signatures"]
    assert {one["name"] for one in signed} == {"Tom Lang", "Petra Novak"}


def _close_as_before(act: Act, room: OpenRoom, people: list[dict[str, object]]) -> None:
    """The closing as it was written before six words stood in it."""
    step = stages.confirm(act, StudyStage.CLOSED, PASSWORD, people=people)
    assert step is not None
    event = stages.CONFIRMED_EVENTS[StudyStage.CLOSED]
    told = {"step": step.id, "number": step.number}
    trail.record(act, room.record_key, event, f"study:{act.in_study.id}", **told)


def test_a_study_that_was_closed_before_keeps_its_archive(sqlite_url: str) -> None:
    """Where the closing entry has no words, the installation's trail has those of its moment."""
    study = open_study(sqlite_url)
    for who in ALL:
        study.room(who)
    acts.unblind(study)
    study.do("statistician", study_end.ask, StudyStage.CLOSED, PASSWORD)
    team = [
        {"id": study.trial.ids[who], "name": who, "user": f"{who}.test", "roles": [who]}
        for who in (*ALL, "nurse")
    ]
    study.do("pharmacist", _close_as_before, team)
    words = [*(study.six_words(who) for who in ALL), ""]
    for who in ("statistician", "pharmacist"):
        acts.sign_archive(study, who)
    study.trial.clock.move(minutes=1)
    packed = acts.archived(study, "pharmacist")
    told = json.loads(_opened(packed)["people.json"])
    assert [one["six_words"] for one in told] == words
    forget(study, "checker")
    _again(study, "statistician", by="pharmacist")
    assert acts.archived(study, "pharmacist") == packed
