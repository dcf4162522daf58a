"""The rules of the linter, which have stable ids, and their findings."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
Found = tuple[int, int, str, str, str]


@dataclass(frozen=True)
class Rule:
    """One kind of finding. An error looks broken to a reader of the page; a warning is advice."""

    id: str
    severity: Severity
    about: str


@dataclass(frozen=True, order=True)
class Finding:
    """One problem: its position, a sentence about it, and a sentence about how to repair it.

    Lines and columns are counted from 1, columns in characters; column 0 is the whole line.
    """

    path: str
    line: int
    column: int
    rule: str
    message: str
    mend: str

    @property
    def severity(self) -> Severity:
        """Return the severity of the finding's rule."""
        return RULES[self.rule].severity


RULES = {
    rule.id: rule
    for rule in (
        Rule("broken-anchor", "error", "A link leads to a heading or id that is not there."),
        Rule("broken-link", "error", "A relative link leads to a file that is not there."),
        Rule("damaged-text", "error", "Characters were lost, or read in a wrong encoding."),
        Rule("duplicate-id", "error", "Two places of a page have one explicit id."),
        Rule("empty-section", "warning", "A heading has nothing under it."),
        Rule("front-matter", "error", "The front matter cannot be read."),
        Rule("heading-skip", "warning", "A heading is more than one level below the one above."),
        Rule("literal-emphasis", "warning", "GitHub shows marks of emphasis beside Hangul."),
        Rule("long-section", "warning", "A section is too long to be one answer."),
        Rule("missing-image", "error", "A local image is not there."),
        Rule("not-utf8", "error", "A file is not UTF-8."),
        Rule("table-cells", "warning", "A row has more or fewer cells than its table's header."),
        Rule("table-delimiter", "error", "What looks like a table is none."),
        Rule("unclosed-fence", "error", "A code block is not closed."),
    )
}
