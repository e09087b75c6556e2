"""The channels by which an arm could leak, row by row: which plant proves that it is seen.

Where the comparison of worlds is not what answers a row, the row says what is, or that nothing is
yet. Timing is such a row: no test of this suite compares how long answers take.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Channel:
    """One row: the channel, the plants that stand for it, and what the comparison cannot see."""

    name: str
    plants: tuple[str, ...] = ()
    elsewhere: str = ""


CHANNELS = (
    Channel(
        "the word itself",
        (
            "the arm in the PDF's properties",
            "a file name by the arm",
            "an error line for a wrong container",
            "a sealed column that is not sealed",
            "a letter by the arm",
        ),
    ),
    Channel("a guessable commitment", ("a plain hash of the list",)),
    Channel("a correlate", ("a lot on the label", "what was drawn in a readable column")),
    Channel(
        "volume, ladder, limits and warnings",
        ("one arm's ladder at the bedside", "one arm's limit at the bedside"),
    ),
    Channel(
        "time",
        (
            "the real moment of release",
            "a mark between planned and released",
            "an entry when the bag is ready",
        ),
    ),
    Channel(
        "number of acts",
        ("operation ids in the clear", "a log line per lit request"),
    ),
    Channel(
        "shape at rest",
        ("a record without padding", "a counter that the database keeps"),
        "Which of two rewritten rows was rewritten later, on PostgreSQL: not compared "
        "(docs/decisions.md).",
    ),
    Channel(
        "sequence",
        (
            "participants in the order of their arms",
            "deliveries in the order of their arms",
            "a card's number by the arm",
        ),
        "List numbers are the same in every world; no blinded table leads to them: "
        "tests/architecture/test_tables.py.",
    ),
    Channel("who gets the next slot", ("a place for whom the arm suits",)),
    Channel(
        "behaviour",
        (
            "a refusal once a bag is ready",
            "a header by the arm",
            "a cookie that grows with the work",
            "a page pressed together with a secret",
            "a mark in a style sheet",
        ),
        "Latency is compared by no test yet: worlds are compared by bytes alone.",
    ),
    Channel(
        "an oracle",
        (
            "a verdict that depends on the arm",
            "a gate that knows the list",
            "a study's end by the arm",
        ),
    ),
    Channel(
        "decisions about one arm",
        (
            "one arm's limit for a moved day",
            "an entry for whom a recall concerns",
            "a seal's notice by the arm",
        ),
    ),
    Channel(
        "unblinded people's words",
        ("unblinded words in the blinded trail", "a judgement's reason in the blinded trail"),
    ),
    Channel(
        "the telephone",
        elsewhere="There is no page of what may be said yet.",
    ),
    Channel(
        "permission mistakes",
        elsewhere="Who may enter where: tests/architecture/test_doors.py; no two sides for one "
        "person, ever: tests/services/test_people.py.",
    ),
    Channel(
        "printed matter",
        ("one product's care on the packing list", "a lot on the label"),
        "The words on every lit page: tests/web/test_design_system.py.",
    ),
    Channel(
        "backup, export, support dump",
        ("a sealed column that is not sealed", "unblinded words in the blinded trail"),
        "What the lit room keeps is sealed: tests/architecture/test_tables.py.",
    ),
    Channel(
        "the nurse's words",
        elsewhere="Reasons at the bedside are of closed lists. What a report says is sealed at one "
        "size: tests/services/test_reports.py.",
    ),
    Channel(
        "open-label phase",
        ("the past arm on the open label",),
        "One plan for both histories: tests/domain/test_plan_purity.py.",
    ),
    Channel("offline data", elsewhere="The phone keeps none yet."),
)
