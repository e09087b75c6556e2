"""The participant's card: printed, replaced, revoked; one counts at most. A11, E3, H10."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from labels.codes import read_back
from pharmacy.domain.bag_code import parse_code
from pharmacy.domain.errors import BadForm, Conflict, Refusal
from pharmacy.persistence import participants as rows
from pharmacy.services import cards, participant_pages
from pharmacy.services.cards import REPLACE_REASONS, REVOKE_REASONS, CardLine
from tests.labels.paper import words_of
from tests.support.builders import Trial, make_trial
from tests.support.cards import mark, replace_card, revoke_card


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def newest(trial: Trial) -> dict[str, Any]:
    """The newest entry of the trail."""
    found: dict[str, Any] = json.loads(trial.events()[0].body)
    return found


def history(trial: Trial, participant_id: str) -> tuple[CardLine, ...]:
    with trial.look("monitor") as act:
        return participant_pages.sheet(act, participant_id).cards


def test_the_card_prints_with_its_own_code_and_reads_back(trial: Trial) -> None:
    participant_id = trial.register("M-002")
    with trial.look("coordinator") as act:
        pdf = cards.card_pdf(act, participant_id)
        assert cards.card_pdf(act, participant_id) == pdf
    assert {read.text for read in read_back(pdf, 300)} == {trial.card("M-002")}
    page = words_of(pdf)
    for text in ("M-002", "205-555-0142", "205-555-0199", "May contain maltose", "TRAINING - NOT"):
        assert text in page


def test_a_replaced_card_has_another_code_and_only_one_counts(trial: Trial) -> None:
    """E3: who, when, from what to what and why; "replaced" is why it ended."""
    participant_id = trial.register("M-002")
    old, made_at = trial.card("M-002"), trial.clock()
    trial.clock.move(minutes=1)
    replace_card(trial, reason="wrong_hands")
    assert trial.card("M-002") != old
    with trial.look("coordinator") as act:
        ended = rows.card(act.uow.session, parse_code(old).body)
        assert ended is not None
        assert (ended.ended_at, ended.ended_why) == (trial.clock(), "replaced")
        assert len(rows.cards(act.uow.session, participant_id)) == 2
    entry = newest(trial)
    assert (entry["event"], entry["reason"]) == ("card_replaced", "wrong_hands")
    assert entry["person_id"] == trial.ids["coordinator"]
    assert entry["old"]["card_made"].startswith(f"{made_at:%Y-%m-%dT%H:%M}")
    assert entry["new"]["card_made"].startswith(f"{trial.clock():%Y-%m-%dT%H:%M}")


@pytest.mark.parametrize("reason", REVOKE_REASONS)
def test_a_revoked_card_counts_no_longer_and_nothing_is_put_in_its_place(
    trial: Trial, reason: str
) -> None:
    participant_id = trial.register("M-002")
    old = trial.card("M-002")
    revoke_card(trial, reason=reason)
    with trial.look("coordinator") as act:
        ended = rows.card(act.uow.session, parse_code(old).body)
        assert ended is not None
        assert (ended.ended_at, ended.ended_why) == (trial.clock(), reason)
        assert rows.open_card(act.uow.session, participant_id) is None
        with pytest.raises(Refusal, match="Make a new card first") as refused:
            cards.card_pdf(act, participant_id)
        assert refused.value.status == 404
    entry = newest(trial)
    assert (entry["event"], entry["reason"]) == ("card_revoked", reason)
    assert (entry["old"]["state"], entry["new"]["state"]) == ("counts", "revoked")


def test_after_a_revocation_a_new_card_needs_no_reason(trial: Trial) -> None:
    trial.register("M-002")
    old = trial.card("M-002")
    revoke_card(trial)
    replace_card(trial, reason="")
    assert trial.card("M-002") != old
    entry = newest(trial)
    assert (entry["event"], entry["old"], entry["reason"]) == ("card_made", None, "")


@pytest.mark.parametrize(
    ("verb", "reasons"), [(cards.replace, REPLACE_REASONS), (cards.revoke, REVOKE_REASONS)]
)
def test_a_reason_is_one_of_the_list(
    trial: Trial, verb: Callable[..., Any], reasons: dict[str, str]
) -> None:
    participant_id, before = trial.register(), trial.card()
    for reason in ("", "replaced", "because", *set(REVOKE_REASONS) - set(reasons)):
        with pytest.raises(BadForm) as wrong:
            trial.do("coordinator", verb, participant_id, reason, mark(trial))
        assert wrong.value.errors["reason"].startswith("Choose why")
    assert trial.card() == before
    assert set(reasons) < set(rows.CARD_ENDS)


def test_no_card_is_revoked_twice(trial: Trial) -> None:
    trial.register()
    revoke_card(trial)
    with pytest.raises(Refusal, match="no card that could be revoked") as refused:
        revoke_card(trial)
    assert refused.value.status == 409


@pytest.mark.parametrize("verb", [cards.replace, cards.revoke])
def test_only_the_card_that_was_seen_is_ended(trial: Trial, verb: Callable[..., Any]) -> None:
    """Two coordinators at the same card: the second is told, and the new card stays."""
    participant_id, seen = trial.register(), mark(trial)
    trial.clock.move(minutes=1)
    replace_card(trial)
    newer = trial.card()
    with pytest.raises(Conflict):
        trial.do("coordinator", verb, participant_id, "lost", seen)
    assert trial.card() == newer
    revoke_card(trial)
    with pytest.raises(Conflict):
        trial.do("coordinator", verb, participant_id, "lost", seen)


def test_a_card_is_ended_once_however_many_ask(trial: Trial) -> None:
    participant_id = trial.register()
    with trial.look("coordinator") as act:
        card = rows.open_card(act.uow.session, participant_id)
    assert card is not None
    replace_card(trial)
    with trial.act("coordinator") as act:
        assert not rows.end_card(act.uow.session, card.body, act.now, "lost")
        act.record("nothing", "participant:M-002")


def test_two_at_the_same_moment_make_one_card(database_url: str) -> None:
    """On PostgreSQL the second waits for the row of the participant; SQLite has one writer."""
    trial = make_trial(database_url)
    participant_id = trial.register()
    revoke_card(trial)
    answers = at_once(lambda: trial.do("coordinator", cards.replace, participant_id, "", ""), 4)
    assert sorted(answers) == ["Conflict", "Conflict", "Conflict", "done"]
    with trial.look("coordinator") as act:
        counting = [row for row in rows.cards(act.uow.session, participant_id) if not row.ended_at]
        assert len(counting) == 1
    trial.engine.dispose()


def at_once(verb: Callable[[], object], times: int) -> list[str]:
    """What each of several threads was answered that began together."""
    gate = Barrier(times)

    def one(_number: int) -> str:
        gate.wait()
        try:
            verb()
        except Refusal as refused:
            return type(refused).__name__
        return "done"

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def test_the_page_lists_every_card_and_never_a_code(trial: Trial) -> None:
    """H10, A11: the code stands on the card alone, and nowhere in the trail."""
    participant_id = trial.register("M-002")
    codes = [trial.card()]
    for end in (replace_card, revoke_card):
        trial.clock.move(hours=1)
        end(trial)
        if end is replace_card:
            codes.append(trial.card())
    assert history(trial, participant_id) == (
        CardLine("2 Mar 2026 09:30 CST", "2 Mar 2026 10:30 CST", "Lost"),
        CardLine("2 Mar 2026 08:30 CST", "2 Mar 2026 09:30 CST", "Replaced"),
    )
    trial.clock.move(hours=1)
    replace_card(trial, reason="")
    assert history(trial, participant_id)[0] == CardLine("2 Mar 2026 11:30 CST", "Counts now", "")
    codes.append(trial.card())
    trail = b"".join(entry.body for entry in trial.events())
    bodies = [parse_code(code).body for code in codes]
    assert len(set(bodies)) == 3
    assert not any(body.encode() in trail for body in bodies)


def test_only_the_coordinator_has_to_do_with_cards(trial: Trial) -> None:
    participant_id, seen = trial.register(), mark(trial)
    for who in ("investigator", "nurse", "monitor", "pharmacist"):
        for verb, args in (
            (cards.replace, (participant_id, "lost", seen)),
            (cards.revoke, (participant_id, "lost", seen)),
            (cards.standing, (participant_id,)),
            (cards.card_pdf, (participant_id,)),
        ):
            with pytest.raises(Refusal) as refused:
                trial.do(who, verb, *args)
            assert refused.value.status == 403
