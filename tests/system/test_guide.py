"""What README and docs name exists: pictures, links, make targets, commands, settings, and the
words that the guide says stand on the screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from config import SETTING_NAMES
from pharmacy.cli import cli
from tests.journeys.pictures import FOLDER, MOST_BYTES, PICTURES, VERDICT_AND_LABEL

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# What only the tests read.
TEST_SETTINGS = {"TWINBAG_UPDATE_IMAGES"}
GUIDE = sorted((ROOT / "docs" / "guide").glob("*.md"))

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"")
_CODE = re.compile(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", re.S)
_TARGET = re.compile(r"\bmake ([a-z][a-z-]*)\b")
_COMMAND = re.compile(r"-m pharmacy((?: [a-z][a-z-]*)+)")
_SETTING = re.compile(r"\bTWINBAG_[A-Z_]+\b")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_WORDS = re.compile(r"[^a-z0-9]+")


def named(page: Path) -> str:
    """How a page is called in the names of tests."""
    return page.relative_to(ROOT).as_posix()


def links(text: str) -> list[str]:
    """What a page links to or shows inside this repository."""
    found = [one or other for one, other in _LINK.findall(text)]
    return [link.partition("#")[0] for link in found if not re.match(r"[a-z]+:|#", link)]


def code(text: str) -> list[str]:
    """The code of a page, in blocks and in lines."""
    return [block or line for block, line in _CODE.findall(text)]


def targets(text: str) -> set[str]:
    """The make targets that a page's code names."""
    return {target for part in code(text) for target in _TARGET.findall(part)}


def commands(text: str) -> set[tuple[str, ...]]:
    """The operator's commands that a page's code names, word by word."""
    return {
        tuple(words.split()) for part in code(text) for words in _COMMAND.findall(part)
    }


def missing_links(page: Path) -> list[str]:
    """Links of a page that lead nowhere."""
    return [link for link in links(page.read_text()) if not (page.parent / link).exists()]


def make_targets() -> set[str]:
    """The targets of the Makefile that are for people."""
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.M))


def folded(text: str) -> str:
    """Words alone, in small letters, one space between."""
    return f" {_WORDS.sub(' ', text.casefold()).strip()} "


def on_the_screen() -> str:
    """Every word that templates and pages can put on the screen, in the order of the sources."""
    sources = [*(ROOT / "pharmacy").rglob("*.html"), *(ROOT / "pharmacy").rglob("*.py")]
    return folded("\n".join(source.read_text() for source in sorted(sources)))


def not_on_the_screen(text: str, screen: str) -> list[str]:
    """Bold words of a guide, in sentences as well, that no page says."""
    return [bold for bold in _BOLD.findall(text) if folded(bold) not in screen]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_and_picture_is_there(page: Path) -> None:
    assert missing_links(page) == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_make_target_is_there(page: Path) -> None:
    assert targets(page.read_text()) <= make_targets()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_setting_is_there(page: Path) -> None:
    said = set(_SETTING.findall("\n".join(code(page.read_text()))))
    assert said <= {*SETTING_NAMES, *TEST_SETTINGS}


@pytest.mark.parametrize(
    "words",
    sorted({words for page in PAGES for words in commands(page.read_text())}),
    ids=" ".join,
)
def test_every_command_answers_for_help(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, [*words, "--help"])
    assert done.exit_code == 0, done.output


def test_the_operators_page_names_every_command() -> None:
    said = commands((ROOT / "docs" / "guide" / "operator.md").read_text())
    assert set(_leaves(cli)) == said


def test_every_picture_is_named_and_taken() -> None:
    """No picture lies about unused, none is shown that no test takes, each is light."""
    pictures = {path.stem: path for path in FOLDER.glob("*")}
    linked = [link for page in PAGES for link in links(page.read_text())]
    shown = {Path(link).stem for link in linked if "images/" in link}
    assert set(pictures) == shown == {*PICTURES, VERDICT_AND_LABEL}
    assert [name for name, path in pictures.items() if path.stat().st_size > MOST_BYTES] == []


@pytest.mark.parametrize("page", GUIDE, ids=named)
def test_the_guide_speaks_as_the_screen_does(page: Path) -> None:
    assert not_on_the_screen(page.read_text(), on_the_screen()) == []


def test_planted_mistakes_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("![x](images/gone.png) [y](https://example.org) <img src=\"z.png\">")
    assert missing_links(page) == ["images/gone.png", "z.png"]
    assert targets("`make tea`, then\n```\nmake demo\n```") == {"tea", "demo"}
    assert commands("`.venv/bin/python -m pharmacy bag burn --now`") == {("bag", "burn")}
    assert CliRunner().invoke(cli, ["bag", "burn", "--help"]).exit_code != 0
    assert not_on_the_screen("**Burn the bag** and **Sign out**", on_the_screen()) == [
        "Burn the bag"
    ]


def _leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from _leaves(inner, (*path, name))
