"""The practice study before its first participant: people, study, keys, holders, the dummy list."""

from __future__ import annotations

from pharmacy.demo.cast import (
    ADMINISTRATOR,
    BREAKER,
    COMPARED_BY,
    ENROLLED,
    FOUNDER,
    HOLDERS,
    PASSWORD,
    PLAYERS,
    Player,
)
from pharmacy.demo.dummy_list import dummy_table
from pharmacy.demo.practice import ZONE, Practice
from pharmacy.domain.roles import Permission
from pharmacy.services import people, studies
from pharmacy.services.studies import NewSite
from pharmacy.unblinded import break_shares, founding, granting, holders, sealed_list
from pharmacy.unblinded.code_break import drill, own_keys
from pharmacy.unblinded.code_break.breaking import Asked
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.study_files import rules_of

_SITE = NewSite(
    code="UAB",
    pharmacy_name="Magnolia Home Infusion Pharmacy",
    pharmacy_address="1200 5th Ave S, Birmingham AL 35233",
    pharmacy_phone="205-555-0142",
    unblinding_phone="205-555-0199",
    zone=ZONE.key,
    investigator_name="Ana Rivera, MD",
    run_times="every 5 minutes",
)


def found_study(practice: Practice) -> None:
    """Everything up to a loaded list; each holder has opened the room once, so keys are pinned."""
    _administrator(practice)
    text = studies.shipped_text("might")
    practice.study_id = practice.do(
        ADMINISTRATOR.key, studies.make_study, "practice", text, _SITE
    ).id
    for player in PLAYERS:
        _add(practice, player)
    for who in HOLDERS:
        _make_keys(practice, who)
    server = ServerSecrets(practice.pepper, practice.break_key)
    practice.do(FOUNDER, founding.found, practice.passphrases[FOUNDER], server)
    for who in ENROLLED:
        _grant(practice, who)
    _load_list(practice)
    for who in ENROLLED:
        practice.lit(who, lambda _act, _room: None)
    _enrol_breaker(practice)


def _administrator(practice: Practice) -> None:
    with practice.units.acting() as uow:
        token = people.set_up_link(uow, practice.surroundings)
        uow.commit()
    if token is None:
        raise ValueError("the practice study is made in an empty installation")
    player = ADMINISTRATOR
    with practice.units.acting() as uow:
        person = people.set_up(
            uow,
            practice.surroundings,
            token,
            player.user_name,
            player.full_name,
            player.initials,
            PASSWORD,
        )
        uow.commit()
    practice.ids[player.key] = person.id


def _add(practice: Practice, player: Player) -> None:
    with practice.act(ADMINISTRATOR.key) as act:
        person, token = people.add_person(act, player.user_name, player.full_name, player.initials)
        roles = frozenset({player.role} if player.role else ())
        people.give_roles(act, person.id, practice.study_id, roles)
    with practice.units.acting() as uow:
        people.choose_password(uow, practice.surroundings, token, PASSWORD)
        uow.commit()
    practice.ids[player.key] = person.id
    practice.user_names[player.key] = player.user_name


def _make_keys(practice: Practice, who: str) -> None:
    words = practice.do(who, holders.make, practice.pepper)
    practice.do(who, holders.confirm, words, practice.pepper)
    practice.passphrases[who] = words


def _grant(practice: Practice, who: str) -> None:
    practice.do(
        FOUNDER,
        granting.grant,
        practice.ids[who],
        practice.six_words(who),
        practice.passphrases[FOUNDER],
        practice.pepper,
    )


def _enrol_breaker(practice: Practice) -> None:
    """The investigator's halves of every code, made by a pharmacist, tried once and drilled."""
    words = practice.do(BREAKER, holders.make, practice.pepper, Permission.BREAK_CODE)
    practice.do(BREAKER, holders.confirm, words, practice.pepper, Permission.BREAK_CODE)
    practice.passphrases[BREAKER] = words
    practice.lit(
        COMPARED_BY,
        break_shares.enrol,
        practice.ids[BREAKER],
        practice.six_words(BREAKER),
        practice.passphrases[COMPARED_BY],
        practice.pepper,
        practice.break_key,
    )
    practice.do(
        BREAKER,
        own_keys.try_keys,
        words,
        practice.six_words(COMPARED_BY),
        practice.pepper,
        practice.break_key,
        "127.0.0.1",
    )
    asked = Asked(drill.DRILL, "treatment", "", words, "practice-drill-of-the-day", "127.0.0.1")
    secrets = ServerSecrets(practice.pepper, practice.break_key)
    practice.do(BREAKER, drill.run, asked, "outside", "phone", secrets)


def _load_list(practice: Practice) -> None:
    rules = rules_of("MIGHT")
    practice.lit(
        FOUNDER,
        sealed_list.load,
        dummy_table(rules, practice.surroundings.random_bytes),
        rules,
        PASSWORD,
        practice.passphrases[FOUNDER],
        not_live_in_redcap=True,
        pepper=practice.pepper,
    )
