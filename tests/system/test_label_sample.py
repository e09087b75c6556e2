"""`label sample`: a protocol's paper from nothing but its file. A25."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labels.codes import Symbol, read_back
from pharmacy.domain.bag_code import Piece, parse_code
from pharmacy.services.printing import WATERMARK
from tests.labels.paper import words_of

_ROOT = Path(__file__).resolve().parents[2]
_MIGHT = _ROOT / "pharmacy" / "protocols" / "might.toml"


def _sample(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in an empty folder, with no setting of the program's."""
    environ = {name: value for name, value in os.environ.items() if "TWINBAG" not in name}
    return subprocess.run(
        [sys.executable, "-m", "pharmacy", "label", "sample", *map(str, arguments)],
        cwd=folder,
        env={**environ, "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("piece", "carried", "said"),
    [
        ("cover", Piece.OUTER_COVER, "600 mL"),
        ("inner", Piece.INNER_CONTAINER, "NOT RELEASED"),
        ("card", Piece.CARD, "Participant card"),
    ],
)
def test_each_piece_is_watermarked_and_reads_back_as_practice(
    tmp_path: Path, piece: str, carried: Piece, said: str
) -> None:
    done = _sample(tmp_path, "--out", "sample.pdf", "--piece", piece)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["sample.pdf"]
    pdf = (tmp_path / "sample.pdf").read_bytes()
    text = words_of(pdf)
    assert WATERMARK in text
    assert said in text
    reads = read_back(pdf)
    assert Symbol.QR in {read.symbol for read in reads}
    for read in reads:
        code = parse_code(read.text)
        assert (code.practice, code.piece) == (True, carried)


def test_a_protocol_that_counts_height_has_a_sample_too(tmp_path: Path) -> None:
    second = _ROOT / "tests" / "data" / "second_protocol.toml"
    done = _sample(tmp_path, "--out", "sample.pdf", "--protocol", second)
    assert done.returncode == 0, done.stderr
    assert "SECOND" in words_of((tmp_path / "sample.pdf").read_bytes())


def test_the_same_protocol_gives_the_same_cover_label_byte_for_byte(tmp_path: Path) -> None:
    for name in ("one.pdf", "two.pdf"):
        assert _sample(tmp_path, "--out", name).returncode == 0
    assert _sample(tmp_path, "--out", "named.pdf", "--protocol", _MIGHT).returncode == 0
    made = {path.read_bytes() for path in tmp_path.iterdir()}
    assert len(made) == 1


def test_another_protocol_s_texts_are_on_its_label(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(_MIGHT.read_text().replace('code = "MIGHT"', 'code = "OTHER"'))
    assert _sample(tmp_path, "--out", "sample.pdf", "--protocol", other).returncode == 0
    text = words_of((tmp_path / "sample.pdf").read_bytes())
    assert "OTHER" in text
    assert "MIGHT" not in text


def test_a_text_that_does_not_fit_is_one_sentence_and_no_file(tmp_path: Path) -> None:
    """A25: a label field that overflows is refused, never cut."""
    long = tmp_path / "long.toml"
    said = "Do not shake"
    text = _MIGHT.read_text()
    assert said in text
    long.write_text(text.replace(said, " ".join([said] * 60)))
    done = _sample(tmp_path, "--out", "sample.pdf", "--protocol", long)
    _refused(done)
    assert not (tmp_path / "sample.pdf").exists()


@pytest.mark.parametrize(
    ("out", "protocol"), [("sample.pdf", "missing.toml"), ("missing/sample.pdf", str(_MIGHT))]
)
def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path, out: str, protocol: str) -> None:
    _refused(_sample(tmp_path, "--out", out, "--protocol", protocol))
    assert list(tmp_path.iterdir()) == []


def _refused(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    assert "missing" in sentence or "no room" in sentence
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
