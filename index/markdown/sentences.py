"""Offsets of the sentences in Markdown text."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import regex

from index.markdown.dialects import MATH

_LONGEST = 600
# How far a word, or what stands behind it, is looked at.
_NEAR = 32
_WIDE = "。！？"
_QUOTES = "\"'”’」』》"

# Who says what was quoted goes on with the sentence: `"끝났다." 하고 말했다.`, `"Stop." she said.`
_SAID = (
    r"(?:이?라[고는며면]|하[고며면자는]|한다|했|하였|말[했하한]|물[었으]|답[했하]|적[혀었]|[쓰썼]"
    r"|외[치쳤]|\p{Ll})"
)
_CITED = r"(?:이?라[고는며]|이?라면서)"
# Code spans, formulas, link targets, asides in brackets, dates, and quotes within a sentence are
# never cut.
_PROTECTED = regex.compile(
    rf"(?s:{MATH.pattern})|"
    r"\{[{%](?:(?!\{[{%])[^\n])*?[%}]\}|`+[^`]*`+|\]\((?:[^)\n\]]|\](?!\())*+\)|\([^()\n]*+\)"
    r"|\[[^\[\]\n]*+\]"
    r"|(?<![\d.])(?:\d{4}\.\s?\d{1,2}\.(?:\s?\d{1,2}\.)?|\d{1,2}\.\s\d{1,2}\.)(?!\d)"
    rf"|(?:(?<![\p{{L}}\p{{N}}])(?:\"(?=\S)[^\"\n]{{1,200}}+\"|'(?=\S)[^'\n]{{1,200}}+')"
    rf"|“[^”\n]{{1,200}}+”|‘[^’\n]{{1,200}}+’|「[^」\n]{{1,200}}+」|『[^』\n]{{1,200}}+』)"
    rf"(?=\p{{Hangul}}|\s+{_SAID})"
)
_END = regex.compile(
    r"(?<![.!?。！？…])(?P<mark>[.!?。！？…]++)(?P<closing>[\"'”’」』》)\]*_~]*+)(?P<space>\s*+)"
)
_GOES_ON = regex.compile(_CITED)
_GOES_ON_BEHIND_QUOTES = regex.compile(_SAID)
_BEFORE_WORD = regex.compile(r"[\s(\[{\"'“‘「『《*_~/]")
_OPENING = regex.compile(r"[(\[\"'“‘「『《*_~`]*+")

# Never at the end of a sentence.
_LEADING = regex.compile(
    r"dr|mrs?|ms|mx|prof|messrs|e\.?g|i\.?e|vs|cf|viz|approx|ca|incl|excl", regex.IGNORECASE
)
# Before a number they lead to it; otherwise they are words.
_COUNTING = regex.compile(
    r"nos?|figs?|eqs?|ch|chap|vol|pp?|pg|art|ver|ex|tel|ext|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov"
    r"|dec",
    regex.IGNORECASE,
)
_COUNTED = regex.compile(r"#?\d|[B-HJ-Z]\b")
# Before what cannot start a sentence they are short for a word; otherwise they end one as well.
_SHORT = regex.compile(r"etc|min|max|avg|hrs?|sec|dept|est|misc", regex.IGNORECASE)
_NO_START = regex.compile(r"[\p{Ll}\p{N},;:)]|[을를이가은는의에로와과도](?!\p{L})")
# Parts of names: a sentence ends there only where the next one starts with a common word.
_NAMES = regex.compile(
    r"St|Mt|Rev|Gen|Col|Lt|Sgt|Capt|Gov|Sen|Rep|Inc|Ltd|Co|Corp|Jr|Sr|al|Ph\.D"
    r"|(?:\p{Latin}\.)+\p{Latin}"
)
_STARTS = regex.compile(
    r"(?:The|This|That|These|Those|It|Its|He|She|They|We|You|There|Here|In|On|At|If|When|While|After"
    r"|Before|As|For|To|From|With|By|And|But|Or|So|Then|However|Also|A|An|Our|Your|Their|His|Her|My"
    r"|I|Each|Every|All|Some|Most|Many|Both|What|Which|Who|How|Why|Only|Once|Since|Because)\b(?![.’'])"
)
# What counts at the start of a sentence, as `1.`, `a.`, `가.`, `1.2.`, `Step 3.` do.
_NUMBER = regex.compile(
    r"\d{1,2}(?:\.\d{1,2})*+|[ivxIVX]{2,4}|\p{Latin}|[가나다라마바사아자차카타파하]"
)
_LABELLED = regex.compile(
    r"[^\p{L}\p{N}]*+(?:step|part|chapter|section|phase|stage|figure|table|example|question|case|rule"
    r"|단계|그림|표|장|절|예|예시|예제|질문|부록|규칙)\s?\d{1,2}(?:[.-]\d{1,2})*+",
    regex.IGNORECASE,
)
_FINAL = "다요까죠"


def sentences(text: str) -> list[tuple[int, int]]:
    """Return [start, end) of each sentence, without the white space around it.

    The same rules serve Korean and English; a text without an end mark is one sentence. A sentence
    of more than 600 characters is cut at a space, or at any place if it has none.
    """
    protected = [match.span() for match in _PROTECTED.finditer(text)]
    begins = [begin for begin, _ in protected]
    spans = []
    start = 0
    for match in _END.finditer(text):
        around = bisect_right(begins, match.start()) - 1
        inside = around >= 0 and match.start() < protected[around][1]
        if not inside and _ends(text, start, match):
            spans.append((start, match.end()))
            start = match.end()
    spans.append((start, len(text)))
    pieces = (piece for span in spans for piece in _cut(text, *span, protected))
    return [trimmed for piece in pieces if (trimmed := _trim(text, *piece))[0] < trimmed[1]]


def _ends(text: str, start: int, match: regex.Match[str]) -> bool:
    """Return whether an end mark really ends the sentence that begins at `start`."""
    mark, closing = match["mark"], match["closing"]
    behind = text[match.end() : match.end() + _NEAR]
    if not behind:
        return True
    if not match["space"] and (mark[-1] not in _WIDE or (closing and behind[0].isalnum())):
        return False
    quoted = any(character in _QUOTES for character in closing)
    if (_GOES_ON_BEHIND_QUOTES if quoted else _GOES_ON).match(behind):
        return False
    behind = _OPENING.sub("", behind, count=1)
    if mark[-1] == "…" or mark.endswith(".."):
        return text[match.start() - 1 : match.start()] in _FINAL or behind[:1].isupper()
    return mark != "." or not _abbreviates(text, start, match.start(), behind)


def _abbreviates(text: str, start: int, dot: int, behind: str) -> bool:
    """Return whether the word before a dot is an abbreviation or a number such as `1.`."""
    word = _BEFORE_WORD.split(text[max(start, dot - _NEAR) : dot])[-1]
    if _LEADING.fullmatch(word) or (_COUNTING.fullmatch(word) and _COUNTED.match(behind)):
        return True
    if _SHORT.fullmatch(word):
        return _NO_START.match(behind) is not None
    if _NAMES.fullmatch(word):
        return not _STARTS.match(behind)
    if dot - start <= _NEAR and _LABELLED.fullmatch(text, start, dot):
        return True
    if not _NUMBER.fullmatch(word):
        return False
    if dot - start <= _NEAR and not regex.search(r"[\p{L}\p{N}]", text, 0, start, dot - len(word)):
        return True
    if word.isupper():
        # A name's initial.
        return behind[:1].isalpha() and behind[0].isascii() and not _STARTS.match(behind)
    return word.isalpha() and word.isascii() and _NO_START.match(behind) is not None


def _cut(
    text: str, start: int, end: int, protected: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    while end - start > _LONGEST:
        space = text.rfind(" ", start + _LONGEST // 2, start + _LONGEST)
        middle = space if space > 0 else start + _LONGEST
        around = bisect_right(protected, (middle, end)) - 1
        first, after = protected[around] if around >= 0 else (0, 0)
        if first < middle < after and after - first < _LONGEST:
            # Half of a formula or of a link would be none.
            middle = first if first > start else after
        yield start, min(middle, end)
        start = min(middle, end)
    yield start, end


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
