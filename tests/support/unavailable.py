"""What every test of a database that cannot take an act asks: the page, and what is on it."""

from __future__ import annotations

import re
from html import unescape

from werkzeug.test import TestResponse

from tests.support.builders import PASSWORD
from tests.support.nurse_acts import Sending

_AGAIN = re.compile(
    r'<form method="post" action="([^"]*)" novalidate>(.*?)</form>', re.DOTALL
)
_KEPT = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
_ASKED = re.compile(r'<input type="password" id="([^"]*)" name="\1"')


def sent_again(answer: TestResponse) -> tuple[str, dict[str, str]]:
    """The form on the page of a 503: where it goes, and its fields with the password typed."""
    found = _AGAIN.search(answer.text)
    assert found is not None, "nothing to send again"
    fields = {name: unescape(value) for name, value in _KEPT.findall(found[2])}
    return unescape(found[1]), fields | dict.fromkeys(_ASKED.findall(found[2]), PASSWORD)


def need_kept(answer: TestResponse, sending: Sending, sentence: str) -> None:
    """A 503 with its sentence, what was typed, and no password."""
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) in (5, 30)
    said = " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())
    assert f"Nothing was saved. {sentence} What you sent is kept here." in said
    assert "call the pharmacy" in said
    assert PASSWORD not in answer.text
    action, fields = sent_again(answer)
    assert action == sending.action
    assert sending.fields.items() <= fields.items()
