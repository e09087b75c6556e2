"""What every label must say, in what type, and what it has no place for."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest

from labels import layout, typesetting
from labels.content import BagLabel, InnerLabel, ParticipantCard
from labels.errors import LabelIncomplete, LabelUnreadable
from labels.pdf import inner_label_pdf, outer_label_pdf, participant_card_pdf
from tests.labels.paper import glyphs_of, setting_of, words_of
from tests.labels.samples import BAG, CARD, CAUTION, CODE, INNER, LONGEST

SAMPLES = [
    (BAG, outer_label_pdf),
    (LONGEST, outer_label_pdf),
    (INNER, inner_label_pdf),
    (CARD, participant_card_pdf),
]

# A23: tokens that are misread, and quantities without their space, leading zero or proper end.
BANNED = re.compile(
    r"\bcc\b|\bIU\b|\bU\b|µg|\bmcg\b|\bQD\b|\bml\b|\bML\b|\bhrs?\b|[@<>]|\d(?:mL|mg|kg|g)\b"
    r"|(?<!\d)\.\d|\d\.\d*0(?!\d)|(?<![\d,.-])\d{4,} (?:mL|g|mg)\b"
)


def texts_of(content: BagLabel | InnerLabel | ParticipantCard) -> list[str]:
    """Every finished text of a content, but the code."""
    found: list[str] = []
    for field in fields(content):
        value = getattr(content, field.name)
        if field.name == "code" or not value:
            continue
        if isinstance(value, str):
            found.append(value)
        else:
            for part in value:
                found.extend([part] if isinstance(part, str) else part)
    return found


@pytest.mark.parametrize(("content", "render"), SAMPLES)
def test_every_text_is_on_the_page_whole(content, render) -> None:
    """A3, A5 to A10, A12 to A17: nothing that a label is given is left out or cut."""
    page = words_of(render(content))
    for text in texts_of(content):
        assert text in page


def test_the_caution_is_the_regulation_s_own_words() -> None:
    """A1: the exact statement, em dash and full stop included, on both containers."""
    for pdf in (outer_label_pdf(BAG), inner_label_pdf(INNER)):
        assert CAUTION in words_of(pdf)
        assert "\N{EM DASH}" in words_of(pdf)


def test_the_rate_rows_read_across() -> None:
    """A14: each rate stands before its own duration."""
    page = words_of(outer_label_pdf(BAG))
    assert "35 mL/hour for 30 minutes, then 71 mL/hour for 30 minutes, then" in page
    assert "143 mL/hour until finished" in page


def test_a_later_bag_s_label_says_how_to_continue() -> None:
    """A14: a later bag goes on at the day's rate."""
    later = replace(
        BAG,
        bag_n_of_n="Bag 2 of 2",
        rate_steps=((
            "Continue at 144 mL/hour",
            "from the first step again only if stopped longer than 30 minutes",
        ),),
    )
    assert (
        "Continue at 144 mL/hour from the first step again only if stopped longer than 30 minutes"
        in words_of(outer_label_pdf(later))
    )


@pytest.mark.parametrize(
    ("content", "render"), [(BAG, outer_label_pdf), (INNER, inner_label_pdf)]
)
def test_the_code_is_printed_in_groups_for_typing(content, render) -> None:
    """A12, L7: the code in words of four characters, in 14 point."""
    pdf = render(content)
    assert "T1K7 XQ9M B4VZ 2WD8 RHC6" in words_of(pdf)
    assert {round(glyph.size) for glyph in setting_of(pdf, CODE)} == {14}


@pytest.mark.parametrize("content", [BAG, LONGEST])
def test_the_key_facts_are_bold_and_12_point_or_more(content) -> None:
    """A20, A21: participant, product line and volume."""
    pdf = outer_label_pdf(content)
    for text in (content.participant, content.product_line, content.start_by, content.stop_by):
        setting = setting_of(pdf, text)
        assert min(glyph.size for glyph in setting) >= 12
        assert all("Bold" in glyph.font for glyph in setting)
    volume = setting_of(pdf, f"{layout.VOLUME}{content.volume}")[len(layout.VOLUME) - 3 :]
    assert min(glyph.size for glyph in volume) >= 12
    assert all("Bold" in glyph.font for glyph in volume)


@pytest.mark.parametrize(("content", "render"), SAMPLES)
def test_type_is_never_small_slanted_or_off_the_paper(content, render) -> None:
    """A20, A25: 8 point at least, upright, and every character within the page."""
    pdf = render(content)
    width = 101.6 * layout.MM if render is not participant_card_pdf else 85.6 * layout.MM
    for glyph in glyphs_of(pdf):
        assert glyph.size >= 8
        assert "Italic" not in glyph.font
        assert "Oblique" not in glyph.font
        assert glyph.box[0] > 2 * layout.MM
        assert glyph.box[2] < width - 2 * layout.MM
        assert glyph.box[1] > 0.8 * layout.MM


def test_the_key_facts_keep_their_place() -> None:
    """A24: the same position on every label, whatever its texts."""
    first, second = outer_label_pdf(BAG), outer_label_pdf(LONGEST)
    for field in ("participant", "product_line", "start_by", "stop_by", "code"):
        origins = [
            setting_of(pdf, getattr(content, field))[0].box
            for pdf, content in ((first, BAG), (second, LONGEST))
        ]
        assert abs(origins[0][0] - origins[1][0]) < 1
        assert abs(origins[0][1] - origins[1][1]) < 1


def test_captions_have_no_banned_token() -> None:
    """A23: the room's own words."""
    captions = [
        value for name, value in vars(layout).items() if name.isupper() and isinstance(value, str)
    ]
    assert layout.VOLUME in captions
    assert len(captions) >= 8
    assert not [caption for caption in captions if BANNED.search(caption)]


@pytest.mark.parametrize(
    "wrong",
    ["1.0 mL", ".5 g", "60g", "600 ml", "5 cc", "10 IU", "> 5", "2 hrs", "1200 mL", "5 µg"],
)
def test_the_ban_sees_what_is_banned(wrong) -> None:
    """A22, A23: the test's own list, shown to bite."""
    assert BANNED.search(wrong)


@pytest.mark.parametrize("content", [BAG, LONGEST])
def test_a_composed_label_passes_the_ban(content) -> None:
    """A22, A23: the list does not refuse what is right."""
    assert not BANNED.search(words_of(outer_label_pdf(replace(content, code=CODE))))


def test_the_outer_label_is_a_closed_list() -> None:
    """B1 to B15: no field for an arm, lot, brand, vial, weight, list number or person's name."""
    assert {field.name for field in fields(BagLabel)} == {
        "pharmacy_name", "pharmacy_address", "pharmacy_phone", "unblinding_phone",
        "protocol_code", "investigator", "participant", "visit_and_day", "volume", "bag_n_of_n",
        "product_line", "product_note", "route", "device", "rate_steps", "start_by", "stop_by",
        "storage", "handling", "flush", "warnings", "caution", "trial_use", "prescription",
        "date_prepared", "staff_codes", "template_version", "code", "watermark",
    }
    assert {field.name for field in fields(InnerLabel)} == {
        "protocol_code", "participant", "visit_and_day", "bag_n_of_n", "volume", "caution",
        "not_released", "pharmacy_name", "pharmacy_phone", "code", "watermark",
    }
    assert {field.name for field in fields(ParticipantCard)} == {
        "protocol_code", "participant", "pharmacy_name", "pharmacy_phone", "unblinding_phone",
        "warnings", "code", "watermark",
    }


@pytest.mark.parametrize("content", [BAG, INNER, CARD])
def test_an_empty_text_is_refused_by_name(content) -> None:
    """A5 to A17: a required text left empty or blank makes no label."""
    for field in fields(content):
        if field.name in {"warnings", "watermark"}:
            continue
        for empty in ("", "  "):
            value = empty if isinstance(getattr(content, field.name), str) else ((empty, "x"),)
            with pytest.raises(LabelIncomplete) as refused:
                replace(content, **{field.name: value})
            assert refused.value.field == field.name


def test_rates_cannot_be_left_out() -> None:
    """A14: no steps, no label."""
    with pytest.raises(LabelIncomplete):
        replace(BAG, rate_steps=())


@pytest.mark.parametrize(
    "code", ["T1K7", CODE.lower(), CODE[:-1] + " ", CODE + "A", CODE[:-1] + "-"]
)
def test_a_malformed_code_is_refused(code) -> None:
    """A12, L4: twenty capital letters and digits, nothing else; the sentence does not quote it."""
    with pytest.raises(LabelUnreadable) as refused:
        replace(BAG, code=code)
    assert code not in refused.value.sentence


def test_a_character_without_a_glyph_is_refused() -> None:
    """A25: an empty box is not a name."""
    with pytest.raises(LabelUnreadable, match="investigator"):
        outer_label_pdf(replace(BAG, investigator="A. \N{CJK UNIFIED IDEOGRAPH-7814}, MD"))
    outer_label_pdf(replace(BAG, investigator="A. Dvo\u0159\u00e1k, MD"))


def broken_quantities() -> int:
    """How often, over texts of growing length, a number and its unit stand on two lines."""
    broken = 0
    for extra in range(20):
        text = f"Keep {'x' * extra} at 20 to 25 °C, 1,000 mL, for 30 minutes, then 25 °C again."
        pdf = outer_label_pdf(replace(BAG, storage=text, handling="Single dose.", flush="Flush."))
        setting = setting_of(pdf, text)
        page = "".join(glyph.character for glyph in setting)
        for pair in ("25°C,", "000mL", "30minutes", "25°Cagain"):
            start = page.index(pair)
            broken += setting[start].baseline != setting[start + 3].baseline
    return broken


def test_a_number_stays_with_its_unit(monkeypatch) -> None:
    """A22: no line ends between a number and its unit; without the rule one would."""
    assert broken_quantities() == 0
    monkeypatch.setattr(typesetting, "_UNITS", frozenset())
    assert broken_quantities() > 0
