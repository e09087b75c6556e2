"""Wall 1 for pages: a blinded template or view names no template and no route of the lit room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.source import ROOT, planted
from tests.architecture.templates import LIT, WEB, template_faults

_HOUSE = {
    "pharmacy/web/home.py": "blueprint = Blueprint('home', __name__)\n",
    "pharmacy/unblinded/bench.py": "blueprint = Blueprint('bench', __name__)\n",
    f"{WEB}/base.html": "<title>{{ url_for('home.page') }}</title>",
    f"{WEB}/home/page.html": "{% extends 'base.html' %}",
    f"{LIT}/lit/base.html": "{% extends 'base.html' %}",
    f"{LIT}/lit/bag.html": "{% extends 'lit/base.html' %}{{ url_for('bench.bag') }}",
}
_PAGE, _VIEW, _LIT_PAGE = f"{WEB}/a/page.html", "pharmacy/web/a.py", f"{LIT}/lit/a.html"

PLANTS = [
    (_PAGE, "{% extends 'lit/base.html' %}", "the lit room's template lit/base.html"),
    (_PAGE, "{% include 'lit/bag.html' %}", "the lit room's template lit/bag.html"),
    (_PAGE, "{% include ['home/page.html', 'lit/bag.html'] %}", "template lit/bag.html"),
    (_PAGE, "{% import 'lit/bag.html' as bag %}", "the lit room's template lit/bag.html"),
    (_PAGE, "{% from 'lit/bag.html' import line %}", "the lit room's template lit/bag.html"),
    (_PAGE, "{% if x %}{% include name %}{% endif %}", "named by a word in quotes"),
    (_PAGE, "{% extends 'home/gone.html' %}", "there is no template home/gone.html"),
    (_PAGE, "<a href=\"{{ url_for('bench.bag', study_id=1) }}\">", "route bench.bag"),
    (_PAGE, "{% macro m() %}{{ [url_for('bench.bag')] }}{% endmacro %}", "route bench.bag"),
    (_PAGE, "{{ url_for(where) }}", "a route is named by a word in quotes"),
    (_PAGE, "{{ url_for('nowhere.page') }}", "there is no blueprint"),
    (_PAGE, "<a href='/lit/studies'>", "names a path of the lit room"),
    (_VIEW, "render_template('lit/bag.html')", "the lit room's template lit/bag.html"),
    (_VIEW, "def f():\n    return url_for('bench.bag', study_id=1)", "route bench.bag"),
    (_VIEW, "redirect('/lit/studies')", "names a path of the lit room"),
    ("pharmacy/web/static/js/a.js", "fetch('/lit/x')", "names a path of the lit room"),
    (_LIT_PAGE, "{% include 'home/page.html' %}", "not the blinded page home/page.html"),
    (f"{LIT}/base.html", "", "both sides have a template of this name"),
]


def test_no_blinded_page_names_the_lit_room() -> None:
    assert template_faults(ROOT) == []


def test_a_clean_house_is_clean(tmp_path: Path) -> None:
    assert template_faults(planted(tmp_path, _HOUSE)) == []


@pytest.mark.parametrize(("where", "text", "told"), PLANTS)
def test_a_planted_name_is_found(tmp_path: Path, where: str, text: str, told: str) -> None:
    found = template_faults(planted(tmp_path, {**_HOUSE, where: text}))

    assert len(found) == 1
    assert told in found[0]
