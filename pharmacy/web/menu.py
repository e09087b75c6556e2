"""The menu of a page: the words a person works with every day, and the others in groups."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from flask import g, request, url_for
from flask_login import current_user

from pharmacy.domain.roles import Permission, may
from pharmacy.web.house import MenuEntry, house

_SHORT = 6  # words; a menu of no more than these needs no groups
_COMMON = "Study"  # the group of a word that would be the only one of its own


@dataclass(frozen=True)
class NavLink:
    """One word of the menu, ready to draw."""

    label: str
    url: str
    current: bool


@dataclass(frozen=True)
class NavGroup:
    """A word of the menu that unfolds into others; `current` when the page is one of them."""

    label: str
    links: tuple[NavLink, ...]

    @property
    def current(self) -> bool:
        return any(link.current for link in self.links)


@dataclass(frozen=True)
class Menu:
    """Links first, then groups."""

    links: tuple[NavLink, ...] = ()
    groups: tuple[NavGroup, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.links or self.groups)


def menu() -> Menu:
    """What the signed-in person may open from here."""
    return _grouped([entry for entry in house().menu if _shown(entry)])


def _grouped(entries: list[MenuEntry]) -> Menu:
    if len(entries) <= _SHORT:
        return Menu(tuple(_link(entry) for entry in entries))
    named = Counter(entry.group for entry in entries if entry.group)
    members: dict[str, list[NavLink]] = {}
    for entry in entries:
        if entry.group:
            name = entry.group if named[entry.group] > 1 else _COMMON
            members.setdefault(name, []).append(_link(entry))
    return Menu(
        tuple(_link(entry) for entry in entries if not entry.group),
        tuple(NavGroup(name, tuple(links)) for name, links in members.items()),
    )


def _shown(entry: MenuEntry) -> bool:
    acting = g.act
    if current_user.session.limited_to and entry.permission is not Permission.BREAK_CODE:
        return False
    if entry.permission is Permission.ADMINISTER:
        return bool(acting.person.administrator)
    return acting.study is not None and may(acting.roles, entry.permission)


def _link(entry: MenuEntry) -> NavLink:
    values = {"study_id": g.act.study.id} if entry.in_study else {}
    here = request.endpoint == entry.endpoint
    return NavLink(entry.label, url_for(entry.endpoint, **values), here)
