"""Static files: kept for good under the digest of all of them, asked for anew under any other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from pharmacy.web.assets import digest_of
from tests.support.browser import Browser
from tests.support.world import Clock, KeyedChance, build_app

FOR_GOOD = "public, max-age=31536000, immutable"
FILE = "css/tokens.css"


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Flask:
    return build_app(sqlite_url, tmp_path, Clock(), KeyedChance())


@pytest.fixture
def digest(app: Flask) -> str:
    return digest_of(Path(str(app.static_folder)))


def parts(header: str) -> set[str]:
    return {part.strip() for part in header.split(",")}


def test_every_file_of_a_page_has_the_digest_and_may_be_kept(app: Flask, digest: str) -> None:
    browser = Browser(app)
    named = re.findall(r'(?:href|src)="(/static/[^"]+)"', browser.get("/sign-in").text)
    assert len(named) >= 8
    for path in named:
        assert path.startswith(f"/static/{digest}/")
        with browser.get(path) as answer:
            assert answer.status_code == 200, path
            assert parts(answer.headers["Cache-Control"]) == parts(FOR_GOOD), path


@pytest.mark.parametrize("before", ["", "0123456789abcdef/"], ids=["none", "an old one"])
def test_another_digest_or_none_is_answered_with_the_file_of_today(
    app: Flask, digest: str, before: str
) -> None:
    """A page that was open during an upgrade still works, and asks each time."""
    browser = Browser(app)
    with browser.get(f"/static/{digest}/{FILE}") as answer:
        today = answer.data
    with browser.get(f"/static/{before}{FILE}") as answer:
        assert (answer.status_code, answer.data) == (200, today)
        assert answer.headers["Cache-Control"] == "no-cache"
        tag = answer.headers["ETag"]
    with browser.get(f"/static/{before}{FILE}", headers={"If-None-Match": tag}) as answer:
        assert answer.status_code == 304


@pytest.mark.parametrize(
    "path", ["{}", "{}/", "{}/nothing.js", "{}/../{}/css/tokens.css", "{}/{}/css/tokens.css",
             "{}/%2e%2e/%2e%2e/app.py", "0123456789abcdef"],
)
def test_what_is_no_file_is_not_there(app: Flask, digest: str, path: str) -> None:
    with Browser(app).get("/static/" + path.replace("{}", digest)) as answer:
        assert answer.status_code == 404


def test_the_code_reader_is_sent_as_what_it_is(app: Flask, digest: str) -> None:
    """A browser compiles WebAssembly while it arrives only under its own media type."""
    with Browser(app).get(f"/static/{digest}/vendor/zxing/zxing_reader.wasm") as answer:
        assert answer.headers["Content-Type"] == "application/wasm"
        assert answer.data.startswith(b"\0asm")


def test_the_digest_follows_every_name_and_byte(tmp_path: Path) -> None:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "a.js").write_text("one")
    seen = [digest_of(tmp_path)]
    (tmp_path / "js" / "a.js").write_text("two")
    seen.append(digest_of(tmp_path))
    (tmp_path / "js" / "a.js").rename(tmp_path / "js" / "b.js")
    seen.append(digest_of(tmp_path))
    (tmp_path / "new.css").write_text("")
    seen.append(digest_of(tmp_path))
    assert len(set(seen)) == 4
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in seen)
    (tmp_path / "new.css").unlink()
    assert digest_of(tmp_path) == seen[2]
