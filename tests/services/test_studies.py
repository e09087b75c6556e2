"""Making a study: nothing that a label or a clock could not carry later, and each code twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels.pdf import inner_label_pdf, outer_label_pdf, participant_card_pdf
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.protocol import parse_protocol
from pharmacy.persistence import audit, studies
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.services import stages
from pharmacy.services import studies as verbs
from pharmacy.services.studies import NewSite
from tests.labels.samples import BAG, CARD, INNER
from tests.support.builders import MIGHT, Trial, make_trial

SITE = NewSite(
    code="UAB",
    pharmacy_name="Magnolia Home Infusion Pharmacy",
    pharmacy_address="1200 5th Ave S, Birmingham AL 35233",
    pharmacy_phone="205-555-0142",
    unblinding_phone="205-555-0199",
    zone="America/Chicago",
    investigator_name="A. Rivera, MD",
    run_times="09:00, 13:00",
)
OTHER = MIGHT.read_text().replace('code = "MIGHT"', 'code = "OTHER"', 1)


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def make(trial: Trial, mode: str = "practice", text: str = OTHER, **site: str):
    return trial.do("administrator", verbs.make_study, mode, text, replace(SITE, **site))


def refused_for(trial: Trial, **site: str) -> set[str]:
    with pytest.raises(BadForm) as refused:
        make(trial, **site)
    return set(refused.value.errors)


def test_a_practice_study_is_made_with_its_site_and_trail(trial: Trial) -> None:
    """Set up: everything on the form is kept, and the act is on the installation's trail."""
    study = make(trial, code=" uab-2 ", run_times="every 5 minutes")
    with trial.units.reading() as uow:
        (site,) = studies.sites(uow.session, study.id)
        entry = audit.entries(uow.session, INSTALLATION, most=1)[0]
        assert audit.entries(uow.session, study.id) == []
    assert (study.code, study.practice, site.code) == ("OTHER", True, "UAB-2")
    assert site.run_times == "every 5 minutes"
    assert entry.event == "study_made"
    assert b'"unblinding_phone":"205-555-0199"' in entry.body


@pytest.mark.parametrize("mode", ["", "Practice", "preparing"])
def test_a_study_is_for_practice_or_live(trial: Trial, mode: str) -> None:
    """C7: any other word is refused beside its field, and nothing is made."""
    with pytest.raises(BadForm) as refused:
        make(trial, mode)
    assert set(refused.value.errors) == {"mode"}
    with trial.units.reading() as uow:
        assert not any(study.code == "OTHER" for study in studies.all_studies(uow.session))


def test_a_code_is_used_once_for_practice_and_once_for_live(trial: Trial) -> None:
    """C7: the dummy list is tried in the practice study of the very code that goes live."""
    live = make(trial, "live", MIGHT.read_text(), sponsor_phone="205-555-0111")
    with pytest.raises(BadForm, match="already a practice study"):
        make(trial, text=MIGHT.read_text())
    with pytest.raises(BadForm, match="already a live study"):
        make(trial, "live", MIGHT.read_text(), sponsor_phone="205-555-0111")
    with trial.units.reading() as uow:
        known = studies.by_code(uow.session, "MIGHT", "practice")
        assert known is not None
        assert known.id == trial.study_id
        found = studies.by_code(uow.session, "MIGHT", "live")
        assert found is not None
        assert found.id == live.id
        assert stages.named(uow, found) == "MIGHT (preparing)"
        assert stages.named(uow, known) == "MIGHT (practice)"


def test_a_live_study_needs_the_sponsors_telephone(trial: Trial) -> None:
    """J4: whoever broke a code reads whom to tell; in a practice study it may be left out."""
    for phone in ("", "later"):
        with pytest.raises(BadForm) as refused:
            make(trial, "live", sponsor_phone=phone)
        assert set(refused.value.errors) == {"sponsor_phone"}
    assert refused_for(trial, sponsor_phone="later") == {"sponsor_phone"}
    assert make(trial, "live", sponsor_phone="205-555-0111")


def test_a_practice_installation_makes_no_live_study(trial: Trial) -> None:
    """C7: nobody treats people with the demonstration's database."""
    with pytest.raises(Refusal, match="practice installation"):
        trial.do("administrator", verbs.make_study, "live", OTHER, SITE, practice_only=True)


@pytest.mark.parametrize("who", ["nurse", "pharmacist", "investigator"])
def test_only_an_administrator_makes_studies(trial: Trial, who: str) -> None:
    """E16."""
    for verb, given_ in ((verbs.make_study, ("practice", OTHER, SITE)), (verbs.list_studies, ())):
        with pytest.raises(Refusal) as refused:
            trial.do(who, verb, *given_)
        assert refused.value.status == 403


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("code", ""),
        ("code", "U A B"),
        ("code", "U" * 13),
        ("pharmacy_name", " "),
        ("pharmacy_name", "W" * 200),
        ("pharmacy_name", "Magnolia 薬局"),
        ("pharmacy_name", "Magnolia\x07Pharmacy"),
        ("pharmacy_address", "W" * 200),
        ("investigator_name", "Dr. Wilhelmina Wolkenstein-Westermann, MD, PhD"),
        ("pharmacy_phone", "call us"),
        ("pharmacy_phone", "123"),
        ("pharmacy_phone", "1" * 16),
        ("unblinding_phone", "+1 (205) 555-0142"),
        ("unblinding_phone", "205.555.0142"),
        ("zone", ""),
        ("zone", "America"),
        ("zone", "../etc/passwd"),
        ("zone", "Central"),
        ("zone", "America/Chicago\x00"),
        ("run_times", ""),
        ("run_times", "9 o'clock"),
        ("run_times", "13:00, 09:00"),
        ("run_times", "every 7 minutes"),
        ("run_times", ", ".join(f"{n // 60:02d}:{n % 60:02d}" for n in range(60))),
    ],
)
def test_a_wrong_answer_is_refused_beside_its_field(trial: Trial, field: str, text: str) -> None:
    """Each gets a sentence; a label that would overflow is refused here, not at the bench (A25)."""
    assert refused_for(trial, **{field: text}) == {field}


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("pharmacy_phone", "(205) 555-0142"),
        ("pharmacy_phone", "+1 205-555-0142"),
        ("zone", "America/Indiana/Knox"),
        ("zone", "UTC"),
        ("run_times", "every 5 minutes"),
        ("run_times", "09:00"),
    ],
)
def test_usual_answers_are_taken(trial: Trial, field: str, text: str) -> None:
    """As people write them."""
    assert make(trial, **{field: text})


def test_a_protocol_code_too_long_for_a_label_is_refused(trial: Trial) -> None:
    """A25: the study's code stands on every label."""
    with pytest.raises(BadForm) as refused:
        make(trial, text=OTHER.replace("OTHER", "WWWWWWWWWWWW", 1))
    assert set(refused.value.errors) == {"protocol"}


WORDS = st.lists(
    st.text(alphabet="AWMawmil1. ,-", min_size=1, max_size=14), min_size=1, max_size=9
).map(lambda words: " ".join(" ".join(words).split()))


PHONES = st.sampled_from(["205-555-0142", "+1 (205) 555-0142"])


@given(name=WORDS, address=WORDS, investigator=WORDS, phone=PHONES)
@settings(max_examples=25)
def test_whatever_is_accepted_prints(
    name: str, address: str, investigator: str, phone: str
) -> None:
    """A25: the form's limits and the labels' overflow limits are the same limits."""
    site = replace(
        SITE,
        pharmacy_name=name,
        pharmacy_address=address,
        investigator_name=investigator,
        pharmacy_phone=phone,
    )
    try:
        verbs._check_site(site, live=False)
        verbs._check_labels(parse_protocol(MIGHT.read_text()), site)
    except BadForm:
        return
    print_all(site)


def test_the_longest_accepted_texts_print_and_one_letter_more_is_refused() -> None:
    """A25: the limits meet, letter by letter, for wide and for narrow letters."""
    protocol = parse_protocol(MIGHT.read_text())
    for letter in ("W", "n", "i"):
        site = SITE
        for field in ("pharmacy_name", "pharmacy_address", "investigator_name"):
            site = replace(site, **{field: longest(protocol, site, field, letter)})
        print_all(site)


def longest(protocol, site: NewSite, field: str, letter: str) -> str:
    """The longest text of pairs of one letter that the form accepts; the next one it refuses."""
    text = letter * 2
    for _ in range(80):
        longer = f"{text} {letter * 2}"
        try:
            verbs._check_site(replace(site, **{field: longer}), live=False)
            verbs._check_labels(protocol, replace(site, **{field: longer}))
        except BadForm as refused:
            return text if set(refused.errors) == {field} else ""
        text = longer
    raise AssertionError("no limit was found")


def print_all(site: NewSite) -> None:
    """Every piece of paper with this site's texts; LabelOverflow if one does not fit."""
    texts = {
        "pharmacy_name": site.pharmacy_name,
        "pharmacy_phone": site.pharmacy_phone,
        "unblinding_phone": site.unblinding_phone,
        "pharmacy_address": site.pharmacy_address,
        "investigator": site.investigator_name,
    }
    for content, render in (
        (BAG, outer_label_pdf),
        (INNER, inner_label_pdf),
        (CARD, participant_card_pdf),
    ):
        known = {name: text for name, text in texts.items() if hasattr(content, name)}
        assert render(replace(content, **known)).startswith(b"%PDF")


def test_the_protocols_that_came_with_the_program_are_offered() -> None:
    """Set up: chosen from a list, by name; nothing else can be read through it."""
    names = [shipped.name for shipped in verbs.shipped_protocols()]
    assert "might" in names
    for name in names:
        assert parse_protocol(verbs.shipped_text(name)).code
    for name in ("../unblinded/products/might", "", "might.toml", "nothing"):
        with pytest.raises(BadForm):
            verbs.shipped_text(name)


def test_a_protocol_whose_longest_plan_cannot_meet_its_limits_is_refused(trial: Trial) -> None:
    """D7: with an hour of preparation the lightest participants could not finish in time."""
    slow = OTHER.replace("preparation_min = 45", "preparation_min = 60", 1)
    assert slow != OTHER
    with pytest.raises(BadForm) as refused:
        make(trial, text=slow)
    assert set(refused.value.errors) == {"protocol"}
