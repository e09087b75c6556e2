"""The design system: no inline script or style (G11), vendored files as listed, readable colours,
templates that parse, and macros that emit what the pages rely on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, Undefined
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Form, PasswordField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Regexp

from pharmacy.web.menu import Menu, NavLink

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "pharmacy" / "web" / "static"
WEB_TEMPLATES = ROOT / "pharmacy" / "web" / "templates"
LIT_TEMPLATES = ROOT / "pharmacy" / "unblinded" / "templates"
TEMPLATES = sorted((ROOT / "pharmacy").glob("**/templates/**/*.html"))
WATERMARK = "TRAINING - NOT FOR HUMAN USE"
LIT_BANNER = "UNBLINDED - PHARMACY ONLY"

JINJA_COMMENT = re.compile(r"\{#.*?#\}", re.S)
JINJA_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.S)
INLINE_IN_CODE = re.compile(
    r"""[("',\s](style|on(?:click|change|submit|load|input|focus|blur|error|toggle|reset|paste|"""
    r"""key\w+|mouse\w+|pointer\w+|touch\w+))['"]?\s*[=:]""",
    re.I,
)
INLINE_IN_HTML = {
    "a style attribute": re.compile(r"\sstyle\s*=", re.I),
    "an event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=", re.I | re.S),
    "a style element": re.compile(r"<style\b", re.I),
    "a script without src": re.compile(r"<script\b(?![^>]*\ssrc=)", re.I | re.S),
    "a script address": re.compile(r"""=\s*["']?\s*javascript:""", re.I),
}


def template_name(path: Path) -> str:
    """How a template is called in the names of tests."""
    return path.relative_to(ROOT / "pharmacy").as_posix()


def inline_findings(source: str) -> list[str]:
    """What a policy without inline script and style would block in this template's source."""
    source = JINJA_COMMENT.sub("", source)
    html = JINJA_CODE.sub("", source)
    found = [name for name, pattern in INLINE_IN_HTML.items() if pattern.search(html)]
    for code in JINJA_CODE.findall(source):
        found += [f"{hit} in an expression" for hit in INLINE_IN_CODE.findall(code)]
    return found


@pytest.mark.parametrize("path", TEMPLATES, ids=template_name)
def test_no_template_holds_inline_script_or_style(path: Path) -> None:
    """G11: the content policy allows none, so a template with one would silently lose it."""
    assert inline_findings(path.read_text()) == []


@pytest.mark.parametrize(
    "plant",
    [
        '<p style="color:red">x</p>',
        "<p\n style = 'color:red'>x</p>",
        '<button class="btn" onclick="go()">x</button>',
        "<style>p{}</style>",
        "<script>go()</script>",
        '<script type="module">go()</script>',
        '<a href="javascript:go()">x</a>',
        "{{ f(style='width:2em') }}",
        "{{ f(**{'onclick': 'go()'}) }}",
    ],
)
def test_planted_inline_code_is_found(plant: str) -> None:
    """G11: the search above can fail."""
    assert inline_findings(plant)


def test_innocent_words_are_not_taken_for_inline_code() -> None:
    source = '{{ ui.steps(once=True) }}<script src="{{ x }}"></script>{# style= #}'
    assert inline_findings(source) == []


def hand_written_posts(source: str) -> list[str]:
    """Opening tags of post forms that are written out, not made by form_start."""
    html = JINJA_COMMENT.sub("", source)
    return re.findall(r"<form\b[^>]*method=[\"']?post[^>]*>", html, re.I)


@pytest.mark.parametrize("path", TEMPLATES, ids=template_name)
def test_post_forms_come_from_the_macro(path: Path) -> None:
    """G11: a form of form_start cannot forget its token; base.html writes its sign-out with one."""
    if path in (WEB_TEMPLATES / "components.html", WEB_TEMPLATES / "base.html"):
        return
    assert hand_written_posts(path.read_text()) == []


def test_planted_hand_written_post_is_found() -> None:
    assert hand_written_posts('<form class="x" method="post" action="/y">')


# Vendored files ---------------------------------------------------------------------------------


def listed_hashes(listing: str) -> dict[str, str]:
    """File name to sha256, from the tables of VENDORED.md."""
    return dict(re.findall(r"^\| *(\S+) *\| *([0-9a-f]{64}) *\|", listing, re.M))


def vendored_faults(folder: Path, listing: str) -> list[str]:
    """Listed files that are missing or changed, and vendored files that are not listed."""
    listed = listed_hashes(listing)
    present = {
        path.relative_to(folder).as_posix(): path
        for part in ("fonts", "vendor")
        for path in (folder / part).rglob("*")
        if path.is_file()
    }
    faults = [f"{name} is not listed" for name in present if name not in listed]
    for name, digest in listed.items():
        path = folder / name
        if not path.is_file():
            faults.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            faults.append(f"{name} differs from its hash")
    return faults


def test_vendored_files_are_as_listed() -> None:
    listing = (STATIC / "VENDORED.md").read_text()
    assert len(listed_hashes(listing)) >= 10
    assert vendored_faults(STATIC, listing) == []


def test_planted_changes_of_vendored_files_are_found(tmp_path: Path) -> None:
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "a.woff2").write_bytes(b"changed")
    (tmp_path / "fonts" / "stray.woff2").write_bytes(b"stray")
    (tmp_path / "vendor" / "deep").mkdir(parents=True)
    (tmp_path / "vendor" / "deep" / "stray.js").write_bytes(b"stray")
    listing = f"| fonts/a.woff2 | {'0' * 64} |\n| fonts/gone.woff2 | {'1' * 64} |\n"
    assert vendored_faults(tmp_path, listing) == [
        "fonts/stray.woff2 is not listed",
        "vendor/deep/stray.js is not listed",
        "fonts/a.woff2 differs from its hash",
        "fonts/gone.woff2 is missing",
    ]


def test_styles_and_scripts_fetch_nothing_from_elsewhere() -> None:
    elsewhere = re.compile(r"(url\(|from |import\(?)\s*[\"']?(https?:)?//")
    for path in [*STATIC.glob("css/*.css"), *STATIC.glob("js/*.js")]:
        assert not elsewhere.search(path.read_text()), path
    # The vendored reader would; it is told where its file is before it asks.
    assert "locateFile: () => WASM" in (STATIC / "js" / "code-reader.js").read_text()
    assert elsewhere.search("@import url(https://fonts.example/x.css)")


# Colours ----------------------------------------------------------------------------------------

PAIRS = [
    *[(ink, ground) for ink in ("ink", "ink-2", "ink-3")
      for ground in ("paper", "ground", "lit-ground")],
    *[("ink-2", ground) for ground in ("line-2", "accent-2", "stop-2", "wait-2")],
    *[("ink", ground) for ground in ("line-2", "accent-2", "go-2", "wait-2", "stop-2", "lit-bar")],
    *[("accent", ground) for ground in ("paper", "ground", "lit-ground", "accent-2")],
    ("accent-deep", "accent-2"),
    *[(tone, ground) for tone in ("go", "wait", "stop")
      for ground in ("paper", "lit-ground", "ground")],
    ("go", "go-2"), ("wait", "wait-2"), ("stop", "stop-2"),
    *[("paper", ground) for ground in
      ("accent", "accent-deep", "go", "stop", "stop-deep", "neutral")],
    ("lit-bar-ink", "lit-bar"),
]
EDGES = [("edge", "paper"), ("edge", "ground"), ("edge", "lit-ground"), ("accent", "ground")]


def tokens() -> dict[str, str]:
    """Names and values of the colour tokens."""
    css = (STATIC / "css" / "tokens.css").read_text()
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})\b", css))


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, as WCAG 2.2 defines it."""
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def too_faint(pairs: list[tuple[str, str]], colours: Mapping[str, str], floor: float) -> list[str]:
    """The pairs below the floor, with their ratio."""
    ratios = [(a, b, contrast(colours[a], colours[b])) for a, b in pairs]
    return [f"{a} on {b}: {ratio:.2f}" for a, b, ratio in ratios if ratio < floor]


def test_text_reaches_four_and_a_half_to_one() -> None:
    assert too_faint(PAIRS, tokens(), 4.5) == []


def test_edges_of_controls_reach_three_to_one() -> None:
    assert too_faint(EDGES, tokens(), 3.0) == []


def test_a_faint_pair_is_found() -> None:
    assert too_faint([("grey", "white")], {"grey": "#8a8a8a", "white": "#ffffff"}, 4.5)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def unknown_tokens(css: str, known: set[str]) -> set[str]:
    """Custom properties that are used and nowhere defined."""
    return set(re.findall(r"var\(--([\w-]+)", css)) - known


def test_every_token_that_is_used_is_defined() -> None:
    css = "\n".join(path.read_text() for path in STATIC.glob("css/*.css"))
    known = set(re.findall(r"--([\w-]+):", css))
    assert unknown_tokens(css, known) == set()
    assert unknown_tokens("p { color: var(--gone) }", known) == {"gone"}


# Templates and macros ---------------------------------------------------------------------------


def environment(undefined: type[Undefined] = StrictUndefined) -> Environment:
    """Jinja as the app sets it up, without the app."""
    jinja = Environment(
        loader=ChoiceLoader([FileSystemLoader(WEB_TEMPLATES), FileSystemLoader(LIT_TEMPLATES)]),
        autoescape=True,
        undefined=undefined,
    )
    jinja.globals.update(
        csrf_token=lambda: "token-1",
        operation_id=lambda: "operation-1",
        static_url=lambda path: f"/static/{path}",
    )
    return jinja


@pytest.mark.parametrize("path", TEMPLATES, ids=template_name)
def test_every_template_parses(path: Path) -> None:
    assert environment().parse(path.read_text())


class SignForm(Form):
    """One field of each kind the macros know."""

    weight = StringField(
        "Weight", [Regexp(r"^\d+$", message="Type the weight in kilograms.")],
        description="Weighed today.", render_kw={"unit": "kg"},
    )
    stratum = SelectField("Stratum", choices=[SelectChoice("a", "A")])
    sex = RadioField("Sex", choices=[SelectChoice("f", "Female"), SelectChoice("m", "Male")])
    sure = BooleanField("I am sure", [InputRequired("Tick this.")])
    password = PasswordField("Password", [InputRequired("Type your password.")])


def page(**changes: object) -> SimpleNamespace:
    """A page as the web room makes it."""
    facts = {
        "title": "Today", "study_name": "MIGHT", "study_mode": "Live", "practice": False,
        "person_name": "R. Okafor",
        "nav": Menu((NavLink("Today", "/", True),)), "home_url": "/",
        "sign_out_url": "/out", "csrf_token": "token-1", "account_url": "/me", "notice": "",
        "address": "", "preparing_url": "",
    }
    return SimpleNamespace(**{**facts, **changes})


def rendered(source: str, undefined: type[Undefined] = Undefined, **context: object) -> str:
    """The page that a template of this source makes."""
    return environment(undefined).from_string(source).render(**{"page": page(), **context})


UI = '{% import "components.html" as ui with context %}'
LIT = SimpleNamespace(
    open=True, locks_in_seconds=702, lock_url="/lock", open_url="/open", locked_url="/locked",
    leave_url="/leave", mark="m",
)


class Ids(HTMLParser):
    """Collects the ids of a page and the ids it points to."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("for", "aria-describedby", "aria-labelledby"):
                self.targets += (value or "").split()
            elif name == "href" and value and value.startswith("#"):
                self.targets.append(value[1:])


def test_a_refused_form_keeps_the_answer_and_names_its_descriptions() -> None:
    form = SignForm(MultiDict({"weight": "fifty <b>", "stratum": "a"}))
    form.validate()
    html = rendered(
        UI + "{{ ui.error_summary(form) }}{{ ui.form_start('/x') }}{{ ui.field(form.weight) }}"
        "{{ ui.select(form.stratum) }}{{ ui.radios(form.sex) }}{{ ui.checkbox(form.sure) }}"
        "{{ ui.sign_block('I prepared it', form) }}{{ ui.form_end() }}",
        form=form,
    )
    assert 'value="fifty &lt;b&gt;"' in html
    assert 'aria-describedby="weight-hint weight-unit weight-error"' in html
    assert 'aria-invalid="true"' in html
    assert " unit=" not in html
    assert "R. Okafor" in html
    assert "I prepared it" in html
    ids = Ids()
    ids.feed(html)
    assert len(ids.ids) == len(set(ids.ids))
    assert set(ids.targets) <= set(ids.ids)
    assert inline_findings(html) == []


def test_the_password_is_never_written_back() -> None:
    form = SignForm(MultiDict({"password": "correct horse"}))
    assert "correct horse" not in rendered(UI + "{{ ui.password(form.password) }}", form=form)


def test_every_form_carries_its_token_and_operation() -> None:
    html = rendered(UI + "{{ ui.form_start('/x', multipart=True) }}{{ ui.form_end() }}")
    assert 'name="csrf_token" value="token-1"' in html
    assert 'name="operation_id" value="operation-1"' in html
    assert 'enctype="multipart/form-data"' in html


@pytest.mark.parametrize("base", ["base.html", "bare.html", "lit/base.html"])
def test_the_watermark_is_on_practice_pages_only(base: str) -> None:
    source = f'{{% extends "{base}" %}}'
    assert WATERMARK in rendered(source, page=page(practice=True), lit=LIT)
    assert WATERMARK not in rendered(source, page=page(), lit=LIT)


def test_the_lit_banner_is_on_lit_pages_only() -> None:
    opened = rendered('{% extends "lit/base.html" %}', StrictUndefined, lit=LIT)
    for words in (LIT_BANNER, "11:42", 'action="/lock"'):
        assert words in opened
    shut = SimpleNamespace(open=False, open_url="/o")
    locked = rendered('{% extends "lit/base.html" %}', lit=shut)
    for words in (LIT_BANNER, "Room locked", "Open the room"):
        assert words in locked
    assert "data-countdown" not in locked
    assert LIT_BANNER not in rendered('{% extends "base.html" %}', StrictUndefined)


def test_a_signed_out_page_has_no_menu() -> None:
    bare = page(nav=Menu(), person_name="", sign_out_url="", study_name="", practice=False)
    assert "menu" not in rendered('{% extends "base.html" %}', page=bare)


def test_stop_is_left_by_its_act_alone() -> None:
    """Stop and go differ in more than colour, and stop has no plain link away but the telephone."""
    source = (
        '{% extends "bare.html" %}{% import "verdict.html" as verdict with context %}'
        "{% block main %}"
        "{{ verdict.KIND('WORD. This bag.', phone='205-555-0142', act_url='/act') }}"
        "{% endblock %}"
    )
    stop = rendered(source.replace("KIND", "stop").replace("WORD", "Stop"))
    go = rendered(source.replace("KIND", "go").replace("WORD", "Go"))
    links = [link for link in re.findall(r'<a [^>]*href="([^"]*)"', stop) if link != "#main"]
    assert links == ["tel:205-555-0142"]
    assert 'data-verdict="stop"' in stop
    assert 'data-verdict="go"' in go
    icons = [re.search(r"verdict-icon.*?</svg>", html, re.S).group() for html in (stop, go)]
    assert icons[0] != icons[1]


def test_charts_have_tables() -> None:
    html = rendered(
        '{% import "charts.html" as charts %}'
        "{{ charts.ladder_chart([(0, 35), (30, 71), (60, 143)], 290) }}"
        "{{ charts.visits_timeline([{'label': 'Week 0', 'date': '1 Oct 2026', 'state': 'done'}]) }}"
        "{{ charts.lines_chart('Vitals', [('Pulse', '/min', [(0, 72), (15, 75)])]) }}"
        "{{ charts.bars_chart([('10%', 12, 8, 'vials')]) }}"
    )
    assert html.count("<table") == 4
    assert "<td>60</td><td>290</td><td>143</td>" in html
    assert re.findall(r"<svg(?![^>]*aria-hidden)", html) == []


def test_a_stacked_table_keeps_its_meaning() -> None:
    html = rendered(UI + "{{ ui.table(['Lot', 'Volume'], [['K1', '400 mL']], numeric=(1,)) }}")
    for role in ("table", "row", "columnheader", "rowheader", "cell"):
        assert f'role="{role}"' in html
