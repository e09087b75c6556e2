"""What is looked at on a page at each width: axe's rules, its breadth, and what fingers touch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WIDTHS = (320, 390, 1280)
PHONE_WIDTHS = (320, 390)
TOUCH_PX = 44

_TOO_WIDE = "document.documentElement.scrollWidth - window.innerWidth"
_AXE = "axe.run({resultTypes: ['violations']}).then((found) => found.violations)"
# A box or a circle is touched by its whole label. Links inside sentences are text (WCAG 2.5.8).
_SMALL = """(least) => [...document.querySelectorAll(
  'button, a.btn, a[href^="tel:"], summary, nav a, input:not([type=hidden]), select, textarea')]
  .filter((part) => part.checkVisibility({visibilityProperty: true, opacityProperty: true}))
  .map((part) => [part, (part.closest('label') || part).getBoundingClientRect()])
  .filter(([part, box]) => box.width < least || box.height < least)
  .map(([part, box]) => `${part.outerHTML.slice(0, 80)} is ${box.width} x ${box.height}`)"""


def findings(page: Page, widths: Iterable[int] = WIDTHS) -> list[str]:
    """Everything that is wrong with a page at these widths in px; empty for a good one."""
    page.evaluate(Axe().axe_script)
    found: list[str] = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 844})
        found += [f"{width} px: {what}" for what in _at_this_width(page, width)]
    return found


def _at_this_width(page: Page, width: int) -> list[str]:
    found = [_told(rule) for rule in page.evaluate(_AXE)]
    if (over := page.evaluate(_TOO_WIDE)) > 0:
        found.append(f"scrolls sideways by {over} px")
    if width in PHONE_WIDTHS:
        found += page.evaluate(_SMALL, TOUCH_PX)
    return found


def _told(rule: dict[str, Any]) -> str:
    where = "; ".join(node["html"][:120] for node in rule["nodes"][:3])
    return f"{rule['id']}: {rule['help']}: {where}"
