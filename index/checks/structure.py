"""Checks of the structure of a page: front matter, code blocks, headings, sections, tables."""

import tomllib
from collections.abc import Iterator, Sequence

import regex
import yaml
from markdown_it.token import Token

from index.checks.checked_page import FILLER, CheckedPage, Heading, spans_between
from index.checks.rules import Found
from index.markdown import plain

# A section is shown by the passage of it that answers, and passages are cut at 256 tokens. Past
# four of them the answer shows less than a quarter of what the heading promises, and the heading,
# which stands above every passage when it is searched, says little about most of them.
PASSAGES = 4
PASSAGE = 256
# Tokens a character by least squares over 1,526 sections; 98 of 100 are within a quarter, long
# ones within a tenth. What is surely too long is told.
_HANGUL_TOKENS, _OTHER_TOKENS = 0.59, 0.38
_MARGIN = 1.1

_HANGUL = regex.compile(r"[\uac00-\ud7a3]")
_KEY = regex.compile(r"\A---[ \t]*\n[\w-]+:(?:\s|$)")
_PREFIX = regex.compile(r"^[ \t]*(?:>[ \t]*)*")
_PIPE = regex.compile(r"(?<!\\)\|")
_ROW = regex.compile(r"^\|.*(?<!\\)\|.*(?<!\\)\|$")
_DELIMITER = regex.compile(r"^\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?$")
_COMMENT = regex.compile(r"(?s)<!--(?!.*\b(?:toc|include|begin|start)\b).*?-->")
_BARE_ANCHOR = regex.compile(r"(?si)<a\s[^<>]*>\s*</a>")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def front_matter(page: CheckedPage) -> Iterator[Found]:
    """Yield a finding if the front matter cannot be read."""
    token = page.tokens[0] if page.tokens else None
    if token and token.type == "front_matter":
        # JSON that is none is no front matter for the parser.
        yield from {"---": _yaml, "+++": _toml}.get(token.markup, lambda _: iter(()))(token.content)
    elif _KEY.match(page.source) or page.source.startswith("+++\n"):
        mark = page.source[:3]
        message = f"The front matter that {mark} begins is not closed."
        yield 1, 1, "front-matter", message, f"Put a line {mark} after its last line."


def _yaml(matter: str) -> Iterator[Found]:
    try:
        value = yaml.load(matter, _Loader)  # noqa: S506  # a safe loader
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error).split("\n")[0]
        line, column = (mark.line + 2, mark.column + 1) if mark else (1, 1)
        message = f"The front matter is not YAML: {reason}."
        mend = 'Put a value with : or # or a quote inside quotes, as title: "A: b".'
        yield line, column, "front-matter", message, mend
        return
    if value is not None and not isinstance(value, dict):
        message = "The front matter is no list of names and values: nothing of it is used or shown."
        yield 1, 1, "front-matter", message, "Write it as name: value, or take the first --- off."


def _toml(matter: str) -> Iterator[Found]:
    try:
        tomllib.loads(matter)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        at = regex.search(r"line (\d+), column (\d+)", str(error))
        line, column = (int(at[1]) + 1, int(at[2])) if at else (1, 1)
        message = f"The front matter is not TOML: {str(error).split(' (at')[0]}."
        yield line, column, "front-matter", message, "Write each value as TOML does: a = 'b'."


def fences(page: CheckedPage) -> Iterator[Found]:
    """Yield a finding for each code fence that is not closed."""
    for token in page.tokens:
        if token.type != "fence" or not token.map:
            continue
        first, after = token.map
        mark = token.markup
        last = _PREFIX.sub("", page.lines[after - 1]).strip() if after - 1 > first else ""
        if len(last) >= len(mark) and set(last) == {mark[0]}:
            continue
        column = page.column(first, mark)
        message = f"The code block that {mark} opens here is not closed."
        if token.level:
            message = (
                f"The code block that {mark} opens here ends with its list or quote, unclosed."
            )
        mend = f"Put a line {mark} after its last line, indented as this one."
        yield first + 1, column, "unclosed-fence", message, mend


def headings(page: CheckedPage) -> Iterator[Found]:
    """Yield findings for headings that skip levels, and for empty or too long sections."""
    above: Heading | None = None
    spans = list(spans_between(page))
    for number, (heading, tokens) in enumerate(spans):
        # What an include brings between two headings is not seen.
        if above and heading.level > above.level + 1:
            message = f"A heading of level {heading.level} follows one of level {above.level}."
            mend = f"Give it {above.level + 1} signs, {'#' * (above.level + 1)}, or fewer."
            yield heading.line + 1, 1, "heading-skip", message, mend
        above = None if _included(page, tokens) else heading
        follows = spans[number + 1][0] if number + 1 < len(spans) else None
        if not any(_shows(token) for token in tokens) and not (
            follows and follows.level > heading.level
        ):
            message = f"Nothing stands under the heading {_title(heading)}."
            mend = "Write what it promises, or take the heading off."
            yield heading.line + 1, 1, "empty-section", message, mend
        size = _tokens(tokens)
        if size > PASSAGES * PASSAGE * _MARGIN:
            message = (
                f"The section {_title(heading)} has about {round(size, -2):,} tokens of its own: "
                f"an answer shows {PASSAGE} of them."
            )
            mend = "Divide it by headings, each in the words of a question it answers."
            yield heading.line + 1, 1, "long-section", message, mend


def _title(heading: Heading) -> str:
    shown = regex.sub(rf"{FILLER}+", "…", heading.title)
    return f"‘{shown}’"


def _included(page: CheckedPage, tokens: Sequence[Token]) -> bool:
    inlines = (token.content for token in tokens if token.type == "inline")
    return any(text and not text.strip(FILLER + " \n") for text in inlines)


def _shows(token: Token) -> bool:
    if token.level or token.nesting < 0 or token.type == "hr":
        return False
    if token.type == "html_block":
        return bool(_BARE_ANCHOR.sub("", _COMMENT.sub("", token.content)).strip())
    return True


def _tokens(tokens: Sequence[Token]) -> int:
    texts = (plain(token.children) for token in tokens if token.type == "inline")
    code = (token.content for token in tokens if token.type in ("fence", "code_block"))
    return tokens_in(" ".join([*texts, *code]))


def tokens_in(text: str) -> int:
    """Return an estimate of the number of tokens of a text, made without the encoder."""
    text = " ".join(text.split())
    hangul = len(_HANGUL.findall(text))
    return round(hangul * _HANGUL_TOKENS + (len(text) - hangul) * _OTHER_TOKENS)


def tables(page: CheckedPage) -> Iterator[Found]:
    """Yield findings for rows with another number of cells than their header, and lost tables.

    A lost table is text that looks like a table, but that the parser does not read as one.
    """
    columns = 0
    for number, token in enumerate(page.tokens):
        if token.type == "table_open":
            columns = 0
        elif token.type == "th_open":
            columns += 1
        elif token.type == "tr_open" and token.map and page.tokens[number + 1].type == "td_open":
            yield from _row(page, token.map[0], columns)
        elif token.type == "inline" and page.tokens[number - 1].type == "paragraph_open":
            yield from _lost_table(token)


def _row(page: CheckedPage, line: int, columns: int) -> Iterator[Found]:
    text = _PREFIX.sub("", page.lines[line]).strip()
    if not text.strip(FILLER + " \t"):
        return
    cells = _cells(text)
    if "|" not in text and columns > 1:
        message = "This line stands right under a table and becomes a row of it."
        mend = "Put an empty line above it."
    elif cells > columns:
        message = f"The row has {cells} cells and the header {columns}: the last are not shown."
        mend = "Write | inside a cell as \\|, or add the missing column to the header."
    elif cells < columns:
        message = f"The row has {cells} cells and the header {columns}."
        mend = "Add the missing cells, empty ones as | |."
    else:
        return
    yield line + 1, 1, "table-cells", message, mend


def _cells(row: str) -> int:
    row = row.removeprefix("|")
    pipes = len(_PIPE.findall(row))
    return pipes if regex.search(r"(?<!\\)\|$", row) else pipes + 1


def _lost_table(token: Token) -> Iterator[Found]:
    if "|" not in token.content or "\n" not in token.content:
        return
    first = (token.map or [0])[0]
    lines = [line.strip() for line in token.content.split("\n")]
    for number in range(1, len(lines)):
        above, line = lines[number - 1], lines[number]
        if "|" in line and "|" in above and _DELIMITER.match(line):
            message = (
                f"This table is shown as text: its header has {_cells(above)} cells, "
                f"the line of dashes under it {_cells(line)}."
            )
            mend = "Give both the same number of cells."
            yield first + number, 1, "table-delimiter", message, mend
            return
    for number in range(1, len(lines)):
        if _ROW.match(lines[number - 1]) and _ROW.match(lines[number]):
            message = "This looks like a table, but no line of dashes stands under its first row."
            mend = f"Put {'|---' * _cells(lines[number - 1])}| under its header."
            yield first + number, 1, "table-delimiter", message, mend
            return
