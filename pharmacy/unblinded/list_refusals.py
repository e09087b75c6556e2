"""What may be said of a randomization list that is refused: a closed list of sentences.

A concealed list comes in two files: the table with the codes, and the code list of the second
custodian. Rules that begin with `codes_` are of the second file.

Each names the rule that is broken and what to do. A sentence may hold a count that the rules
file states; it has no place into which a row, a cell or a position could be written.
"""

from __future__ import annotations

from pharmacy.domain.errors import Refusal
from pharmacy.unblinded.rules import ListRules

MAX_BYTES = 256 * 1024
MAX_LINE = 4_096
MAX_NUMBER = 64

_EXPORT = "Export REDCap's allocation table again and change nothing in it."
_STATISTICIAN = "Ask the statistician who made the list."
_CUSTODIAN = "Ask the custodian of the code list."

SENTENCES = {
    "too_large": "The list is larger than 256 KiB. Load the allocation table and nothing else.",
    "empty": "The list is empty. " + _EXPORT,
    "not_utf8": "The list is not UTF-8 text. Save it as CSV UTF-8.",
    "nul": "The list has a NUL character, so it is not plain UTF-8 text. Save it as CSV UTF-8.",
    "line_too_long": f"A line of the list is longer than {MAX_LINE:,} characters. " + _EXPORT,
    "quotes": "A quotation mark in the list is not closed, or stands where none may. " + _EXPORT,
    "duplicate_column": "Two columns of the list have the same heading. " + _EXPORT,
    "concealed": "The list has randomization numbers but no redcap_randomization_group column: it "
    "is a concealed list, and its arms are in a second file. Choose the code list of the second "
    "custodian as well.",
    "missing_column": "The list lacks a column: redcap_randomization_group is required, and so "
    "is every stratum column that the rules name. " + _EXPORT,
    "unknown_column": "The list has a column that the rules do not name. Remove it; only a "
    "column headed notes is passed over.",
    "blank_line": "The list has a blank line before its last row. " + _EXPORT,
    "ragged_row": "A row of the list has more or fewer cells than the heading. " + _EXPORT,
    "too_many_rows": "The list has more rows than the rules allow: {rows} rows for a planned "
    "enrolment of {planned}. " + _STATISTICIAN,
    "too_few_rows": "The list has fewer rows than the {rows} that the rules require. "
    + _STATISTICIAN,
    "formula": "A cell of the list starts with a character that a spreadsheet would run as a "
    "formula (= + - @, tab or carriage return). " + _STATISTICIAN,
    "control_character": "A cell of the list holds a control character. " + _EXPORT,
    "number_too_long": f"A randomization number is longer than {MAX_NUMBER} characters. "
    + _STATISTICIAN,
    "number_characters": "A randomization number holds something other than plain letters, "
    "digits, spaces and . _ / : # -. " + _STATISTICIAN,
    "blank_number": "Some rows have a randomization number and some have none. Give every row "
    "one, or none.",
    "duplicate_number": "A randomization number stands in more than one row. " + _STATISTICIAN,
    "blank_group": "A row has no group. " + _STATISTICIAN,
    "unknown_group": "A row has a group that the rules do not name. " + _STATISTICIAN,
    "unknown_stratum": "A row has a stratum value that is blank or that the rules do not name. "
    + _STATISTICIAN,
    "stratum_size": "A stratum does not have the {per_stratum} rows that the rules require. "
    + _STATISTICIAN,
    "ratio": "The arms of the list are not in the ratio that the rules require. " + _STATISTICIAN,
    "codes_not_needed": "The list has the group of every row, so it has no code list. Load it "
    "without one.",
    "codes_unreadable": "The code list cannot be read as one table of CSV UTF-8, without blank "
    "lines and with as many cells in each row as in the heading. " + _CUSTODIAN,
    "codes_columns": "The code list needs the two columns code and arm, and no other. "
    + _CUSTODIAN,
    "codes_repeated": "A code stands in the code list more than once, or a row has none. "
    + _CUSTODIAN,
    "codes_group": "The code list has an arm that is blank or that the rules do not name. "
    + _CUSTODIAN,
    "codes_unmatched": "The codes of the list and of the code list are not the same. Both must "
    "hold every code exactly once. Ask the two custodians whether the files belong together.",
    "part_not_allowed": "The list rules do not let this list grow. " + _STATISTICIAN,
    "part_without_rows": "The table has a heading and no rows. " + _EXPORT,
    "part_too_many_rows": "The table adds more rows to a stratum than the {growth} that the rules "
    "let a part add. " + _STATISTICIAN,
    "part_number_used": "A randomization number of the table stands in the list already. "
    + _STATISTICIAN,
    "blocks": "The list is not made of balanced blocks as the rules require. Check that it has "
    "not been sorted. " + _STATISTICIAN,
}


_OF_THE_CODE_LIST = "codes_"


class ListRefused(Refusal):
    """A list that breaks a rule; `rule` is a key of SENTENCES.

    `of_code_list` tells of which of the two files of a concealed list the sentence is.
    """

    def __init__(self, rule: str, sentence: str) -> None:
        super().__init__(sentence)
        self.rule = rule

    @property
    def of_code_list(self) -> bool:
        """Whether the second custodian's file is the one to look at."""
        return self.rule.startswith(_OF_THE_CODE_LIST)


def refusal(rule: str, rules: ListRules) -> ListRefused:
    """The refusal for a broken rule: the same bytes for every list that breaks it."""
    sentence = SENTENCES[rule].format(
        rows=f"{rules.maximum_rows:,}",
        per_stratum=f"{rules.rows_per_stratum:,}",
        planned=f"{rules.planned_enrolment:,}",
        growth=f"{rules.growth.rows_at_most if rules.growth else 0:,}",
    )
    return ListRefused(rule, sentence)
