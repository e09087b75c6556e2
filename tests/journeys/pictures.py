"""The pictures of the guide: which page each shows, how it is taken, and what it says it shows.

A picture carries the main heading of its page in its own bytes, as the PNG text `Title`. So a
run that writes nothing still notices when a page that a picture shows has become another one.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops, PngImagePlugin
from playwright.sync_api import ViewportSize

from labels.codes import rasters
from tests.journeys.visitor import PHONE, Visitor

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
VERDICT_AND_LABEL = "verdict-and-label"
MOST_BYTES = 150_000
_DESK: ViewportSize = {"width": 1280, "height": 800}
_COLOURS = 96
_GROUND, _EDGE = "#f4f7f8", "#74818d"
_HIGH, _GAP = 880, 44

PICTURES: dict[str, ViewportSize] = {
    "board": _DESK,
    "break-card": _DESK,
    "certificate": _DESK,
    "check": _DESK,
    "check-in": _DESK,
    "count-seals": _DESK,
    "cover": _DESK,
    "decide-weight": _DESK,
    "deliveries": _DESK,
    "deviations-confirmed": _DESK,
    "draw": _DESK,
    "dummy-list": _DESK,
    "going-live": _DESK,
    "holders-waiting": _DESK,
    "list-grown": _DESK,
    "load-list": _DESK,
    "locks-soon": _DESK,
    "make-study": _DESK,
    "order": _DESK,
    "participant": _DESK,
    "passkeys": _DESK,
    "passphrase": _DESK,
    "passphrase-change": _DESK,
    "passphrase-forgotten": _DESK,
    "people": _DESK,
    "place-in-error": _DESK,
    "plan": _DESK,
    "protocol-approved": _DESK,
    "recovery": _DESK,
    "recovery-drill": _DESK,
    "recovery-sheet": _DESK,
    "renew-keys": _DESK,
    "report-assess": _DESK,
    "restore-drill": _DESK,
    "safety-unblinding": _DESK,
    "sign-assessments": _DESK,
    "stops": _DESK,
    "study-end-ask": _DESK,
    "study-end-closed": _DESK,
    "study-end-confirm": _DESK,
    "study-stage": _DESK,
    "take-keys-back": _DESK,
    "trail": _DESK,
    "bag-known": PHONE,
    "break-answer": PHONE,
    "break-form": PHONE,
    "break-keys": PHONE,
    "break-passphrase-change": PHONE,
    "break-passphrase-forgotten": PHONE,
    "drill": PHONE,
    "infusion": PHONE,
    "paused": PHONE,
    "received": PHONE,
    "reported": PHONE,
    "scan": PHONE,
    "second-step": PHONE,
    "stop": PHONE,
    "today": PHONE,
}


@dataclass(frozen=True)
class Shelf:
    """Where pictures are taken to. With `keep` they go on to the guide's folder as well."""

    folder: Path
    keep: bool

    def take(self, name: str, visitor: Visitor) -> str:
        """Take the picture of the page a visitor stands on; says what is wrong, or nothing."""
        return self.put(name, _shot(visitor, PICTURES[name]), visitor.heading)

    def take_beside(self, visitor: Visitor, label_pdf: bytes) -> str:
        """The README's picture: the verdict on a phone beside the label that was scanned."""
        whole = beside(_shot(visitor, PHONE), label_pdf)
        return self.put(VERDICT_AND_LABEL, whole, visitor.heading)

    def put(self, name: str, picture: Image.Image, heading: str) -> str:
        """Store a picture with its heading and compare it with the one in the guide."""
        taken = self.folder / f"{name}.png"
        _store(taken, picture, heading)
        if taken.stat().st_size > MOST_BYTES:
            return f"{name}.png has {taken.stat().st_size} bytes, more than {MOST_BYTES}"
        kept = FOLDER / taken.name
        if self.keep and not _same_pixels(taken, kept):
            FOLDER.mkdir(exist_ok=True)
            shutil.copyfile(taken, kept)
        return difference(taken, kept)


def difference(taken: Path, kept: Path) -> str:
    """Why the guide's picture no longer shows the page that was taken; empty when it does."""
    if not kept.exists():
        return f"{kept.name} is missing: TWINBAG_UPDATE_IMAGES=1 writes it"
    with Image.open(taken) as now, Image.open(kept) as before:
        if now.info.get("Title") != before.info.get("Title"):
            return f"{kept.name} shows {before.info.get('Title')!r}, not {now.info.get('Title')!r}"
        if now.size != before.size:
            return f"{kept.name} is {before.size}, not {now.size}"
    return ""


def beside(verdict: Image.Image, label_pdf: bytes) -> Image.Image:
    """A screen and a label, equally high, side by side on the pages' ground."""
    (sheet,) = rasters(label_pdf, 600)
    parts = [_as_high(verdict), _as_high(sheet)]
    width = sum(part.width for part in parts) + 3 * _GAP
    whole = Image.new("RGB", (width, _HIGH + 2 * _GAP), _GROUND)
    left = _GAP
    for part in parts:
        edge = Image.new("RGB", (part.width + 4, part.height + 4), _EDGE)
        whole.paste(edge, (left - 2, _GAP - 2))
        whole.paste(part, (left, _GAP))
        left += part.width + _GAP
    return whole


def _shot(visitor: Visitor, size: ViewportSize) -> Image.Image:
    visitor.page.set_viewport_size(size)
    visitor.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    return Image.open(BytesIO(visitor.page.screenshot(animations="disabled", caret="hide")))


def _as_high(picture: Image.Image) -> Image.Image:
    width = round(picture.width * _HIGH / picture.height)
    return picture.convert("RGB").resize((width, _HIGH), Image.Resampling.LANCZOS)


def _store(path: Path, picture: Image.Image, heading: str) -> None:
    title = PngImagePlugin.PngInfo()
    title.add_text("Title", heading)
    small = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    small.save(path, optimize=True, pnginfo=title)


def _same_pixels(one: Path, other: Path) -> bool:
    if not other.exists():
        return False
    with Image.open(one) as a, Image.open(other) as b:
        if a.size != b.size or a.info.get("Title") != b.info.get("Title"):
            return False
        return ImageChops.difference(a.convert("RGB"), b.convert("RGB")).getbbox() is None
