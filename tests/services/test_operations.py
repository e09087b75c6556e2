"""One effect however often a form is sent, and no answer for anybody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmacy.domain.errors import Refusal
from pharmacy.services import operations
from tests.support.builders import Trial, make_trial

KEY = bytes(range(32))
FIELDS = [("csrf_token", "a"), ("operation_id", "b"), ("weight", "70"), ("visit", "W0")]


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def test_an_act_is_answered_again_for_its_person_and_contents_alone(trial: Trial) -> None:
    """Operation ids: the same answer; another person or body is refused."""
    body, other = (operations.fingerprint(KEY, path, FIELDS) for path in ("/a", "/b"))
    nurse, monitor = trial.ids["nurse"], trial.ids["monitor"]
    with trial.units.acting() as uow:
        assert operations.answer_given(uow, "1" * 32, nurse, body) is None
        operations.keep(uow, "1" * 32, nurse, body, "/there")
        uow.commit()
    with trial.units.reading() as uow:
        assert operations.answer_given(uow, "1" * 32, nurse, body) == "/there"
        assert operations.answer_given(uow, "2" * 32, nurse, body) is None
        for person, said in ((monitor, body), (nurse, other), (monitor, other)):
            with pytest.raises(Refusal, match="other contents"):
                operations.answer_given(uow, "1" * 32, person, said)


@given(st.permutations(FIELDS))
def test_the_order_of_fields_does_not_matter(fields) -> None:
    """Operation ids: a browser's order is no content."""
    assert operations.fingerprint(KEY, "/a", fields) == operations.fingerprint(KEY, "/a", FIELDS)


@pytest.mark.parametrize(
    "secret", ["password", "passphrase", "new_password", "csrf_token", "operation_id"]
)
def test_a_secret_is_not_in_the_fingerprint(secret: str) -> None:
    """E11: a digest of a password would let a thief of the key test guesses."""
    said = [operations.fingerprint(KEY, "/a", [(secret, value)]) for value in ("one", "two")]
    assert said[0] == said[1]


@given(
    one=st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=3)), max_size=3),
    other=st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=3)), max_size=3),
)
def test_other_contents_have_another_fingerprint(one, other) -> None:
    """Operation ids: nothing said in one form can be read as another form."""
    same = operations.fingerprint(KEY, "/a", one) == operations.fingerprint(KEY, "/a", other)
    assert same is (sorted(one) == sorted(other))


def test_without_the_key_nobody_can_make_it() -> None:
    """Keyed: a stolen table does not tell what was typed."""
    assert operations.fingerprint(KEY, "/a", FIELDS) != operations.fingerprint(
        bytes(32), "/a", FIELDS
    )
