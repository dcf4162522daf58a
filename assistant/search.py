"""Ranked sections for search boxes, without judgement: words may be unfinished while typing."""

import html
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import accumulate
from typing import Annotated, TypeAlias
from weakref import WeakKeyDictionary

import hangulpy
import numpy as np
import numpy.typing as npt
import regex
from pydantic import Field

from assistant.answer import DocumentRef, Highlight, SectionRef
from assistant.ask import Assistant, searchable
from assistant.lexicon import Lexicon
from assistant.links import highlight_url, section_url
from assistant.retrieve import FUSED, evidence, fuse
from index.analyzer import spans, stem
from index.contents import Contents
from index.encoder import Floats, Ints, normalise
from index.errors import NotesError
from index.lexical import Lexical
from index.markdown import WORD
from index.notes import Line, Passage

Mask: TypeAlias = npt.NDArray[np.bool_]

# A section matches if its share of BM25 is this part of the best one's, or its fused score within
# this of the best one's, as a paraphrase's is. Of the development questions on Docker that keeps
# the right section for 99 in 100, and two of six sections in the median.
_SHARE = 1 / 3
_MARGIN = 0.2
# What the encoder makes of a word alone, or of one cut short, says less than the word itself does,
# across languages as well.
_LITERAL = replace(FUSED, lexical=1.0, lexical_across=1.0)
_COMPLETIONS = 24
_SNIPPET = 160
# Of these characters at either end of a snippet, those that belong to a word cut in two are left
# out; so many stand before the first word found in a long line.
_LEAD = 30
# How many names an error lists.
_NAMES = 20
# The word at the end that may be unfinished: Hangul, or what an identifier is made of.
_LAST = regex.compile(r"(?<!\S)(?:\p{Hangul}+|[\p{Latin}\p{N}_\-./:@+~]+)$")
_HANGUL = regex.compile(r"\p{Hangul}")
_CLUSTER = regex.compile(r"\X")
_MARKS = regex.compile(r"\p{M}+")
_BOLD = regex.compile(r"\*\*(.+?)\*\*")
# What would turn the text around it is left out with the white space.
_SPACE = regex.compile(r"[\s\p{Cc}\p{Bidi_Control}]+")


class UnknownName(NotesError):
    """A corpus or document that the notes do not have."""


@dataclass(frozen=True)
class SearchHit:
    """A section that matches, by its best passage."""

    rank: Annotated[int, Field(description="From 1, over all pages")]
    text: Annotated[str, Field(description="The best passage's Markdown, as written in the notes")]
    highlights: Annotated[
        tuple[Highlight, ...], Field(description="The words of the query, finished or not")
    ]
    snippet: Annotated[
        str, Field(description="About 160 characters of the text as HTML, the words in <mark>")
    ]
    section: SectionRef
    document: DocumentRef
    url: Annotated[str, Field(description="Link to the section")]
    highlight_url: Annotated[str, Field(description="Link to the best line's very words")]


@dataclass(frozen=True)
class Facet:
    """How many of the sections that match stand in one document."""

    document: Annotated[str, Field(description="The document's id")]
    title: str
    corpus: str
    count: int


@dataclass(frozen=True)
class Results:
    """The sections that match a query, best first: one page of them."""

    query: Annotated[str, Field(description="The query as searched")]
    corrected_from: Annotated[str | None, Field(description="The query as typed, if mended")]
    total: Annotated[int, Field(description="Sections that match, on all pages")]
    took_ms: float
    index_version: str
    hits: tuple[SearchHit, ...]
    facets: Annotated[
        tuple[Facet, ...], Field(description="Documents with matches, most matches first")
    ]


@dataclass(frozen=True)
class _Reading:
    """A query as read: mended, its words, and those that its last word begins.

    finished: whether the last word is one as it stands; if not, it is none of the words.
    """

    text: str
    words: tuple[str, ...]
    completions: tuple[str, ...]
    finished: bool


@dataclass(frozen=True)
class _Catalogue:
    """What search boxes need of an index, made ready once.

    keys: sorted, how each word is typed; words: what it is compared by; counts: int32 (words,),
    how many passages hold it. sections, documents: int32 (passages,), where a passage stands.
    """

    keys: list[str]
    words: list[str]
    counts: Ints
    sections: Ints
    documents: Ints

    def holds(self, word: str) -> bool:
        """Return whether the notes have the word as it is typed."""
        key = _key(word)
        at = bisect_left(self.keys, key)
        return at < len(self.keys) and self.keys[at] == key

    def completions(self, word: str) -> tuple[str, ...]:
        """Return the words that may be meant by the beginning of one, most frequent first."""
        key = _key(word)
        if not WORD.search(word):
            return ()
        start, end = bisect_left(self.keys, key), bisect_left(self.keys, key + "\uffff")
        order = np.argsort(-self.counts[start:end], kind="stable") + start
        found = dict.fromkeys(self.words[row] for row in order[: 2 * _COMPLETIONS])
        return tuple(found)[:_COMPLETIONS]


@dataclass(frozen=True)
class _Ranking:
    """The sections that match, best first.

    passages: int32, the best passage of each. answers: by passage, the line that the searches
    found likeliest. line_lexical: float32, over all lines of the notes.
    """

    passages: Ints
    answers: Mapping[int, int]
    line_lexical: Floats

    def line(self, contents: Contents, passage: int) -> int:
        """Return the best line of a passage."""
        if passage in self.answers:
            return self.answers[passage]
        start, end = contents.line_starts[passage : passage + 2]
        return int(self.line_lexical[start:end].argmax())


# Held as long as the index that they are of.
_CATALOGUES: WeakKeyDictionary[Lexical, _Catalogue] = WeakKeyDictionary()


def search(
    assistant: Assistant,
    q: str,
    limit: int,
    offset: int,
    corpora: Sequence[str] = (),
    documents: Sequence[str] = (),
) -> Results:
    """Return the sections that match, `limit` of them from `offset` on.

    The last word may be unfinished, unless white space follows it. Sections are of the corpora and
    documents named, of all where none is. Raises QuestionError when the query is blank or too long,
    UnknownName when there is no such corpus or document.
    """
    started = time.perf_counter()
    contents = assistant.snapshot.contents
    catalogue = _catalogue(contents)
    allowed = _allowed(contents, catalogue, corpora, documents)
    typed = searchable(q)
    reading = _read(assistant.lexicon, catalogue, typed, q[-1].isspace())
    ranking = _ranked(assistant, catalogue, reading, allowed)
    words = frozenset(reading.words + reading.completions)
    page = enumerate(ranking.passages[offset : offset + limit].tolist(), offset + 1)
    return Results(
        query=reading.text,
        corrected_from=None if reading.text == typed else typed,
        total=len(ranking.passages),
        hits=tuple(_hit(assistant, rank, ranking, number, words) for rank, number in page),
        facets=_facets(contents, catalogue, ranking.passages),
        index_version=assistant.snapshot.version,
        took_ms=round((time.perf_counter() - started) * 1000, 2),
    )


def _catalogue(contents: Contents) -> _Catalogue:
    found = _CATALOGUES.get(contents.lexical)
    if not found:
        found = _CATALOGUES[contents.lexical] = _catalogued(contents)
    return found


def _catalogued(contents: Contents) -> _Catalogue:
    frequency = contents.lexical.frequency
    # A stem may be shorter than what is typed of the word: `replic` of `replicati`.
    written = ((word, stem(word)) for word in contents.vocabulary.latin)
    words = {(word, word) for word in contents.lexical.scores.vocab_dict if word}
    words.update((word, stemmed) for word, stemmed in written if frequency(stemmed))
    entries = sorted((_key(word), compared) for word, compared in words)
    places = [(passage.document, passage.section) for passage in contents.notes.passages]
    # Passages stand in order, so that another place is another section.
    firsts = [place != before for place, before in zip(places, [None, *places], strict=False)]
    return _Catalogue(
        [key for key, _ in entries],
        [word for _, word in entries],
        np.array([frequency(word) for _, word in entries], np.int32),
        np.fromiter(accumulate(firsts), np.int32),
        np.array([document for document, _ in places], np.int32),
    )


def _key(word: str) -> str:
    """Return how a word is typed: Hangul by its keys, so that 컨텡 begins 컨테이너."""
    if not _HANGUL.search(word):
        return word.lower().strip("/~.:@+_")
    # What is typed on the Korean layout begins no Latin word.
    return "한" + str(hangulpy.convert_hangul_to_qwerty(word))


def _read(lexicon: Lexicon, catalogue: _Catalogue, typed: str, finished: bool) -> _Reading:
    """Return the query mended, but for a last word that begins a word of the notes."""
    last = "" if finished else _last(typed)
    completions = catalogue.completions(last)
    if completions:
        before = typed.removesuffix(last).rstrip()
        text = f"{lexicon.speller.mend(before)} {last}".lstrip()
    else:
        text = lexicon.speller.mend(typed)
        last = "" if finished else _last(text)
        completions = catalogue.completions(last)
    # One letter is a word of any notes with flags, as `-d`, and yet begins many others.
    finished = not completions or (len(last) > 1 and catalogue.holds(last))
    words = lexicon.words(text if finished else text.removesuffix(last))
    return _Reading(text, words, completions, finished)


def _last(text: str) -> str:
    """Return the last word if it may be unfinished, empty if there is none."""
    found = _LAST.search(text)
    return found[0] if found else ""


def _allowed(
    contents: Contents,
    catalogue: _Catalogue,
    corpora: Sequence[str],
    documents: Sequence[str],
) -> Mask:
    """Return bool (passages,), which stand in the corpora and documents named."""
    held = contents.notes.documents
    _check("corpus", corpora, {document.corpus for document in held})
    _check("document", documents, {document.id for document in held})
    chosen = np.array(
        [
            (not corpora or document.corpus in corpora)
            and (not documents or document.id in documents)
            for document in held
        ]
    )
    allowed: Mask = chosen[catalogue.documents]
    return allowed


def _check(kind: str, named: Iterable[str], known: Collection[str]) -> None:
    for name in named:
        if name not in known:
            some = ", ".join(sorted(known)[:_NAMES]) + (", …" if len(known) > _NAMES else "")
            raise UnknownName(f"There is no {kind} {name!r}. There is: {some}")


def _ranked(
    assistant: Assistant, catalogue: _Catalogue, reading: _Reading, allowed: Mask
) -> _Ranking:
    """Return the sections that match: by the fused score where the searches compared them, then
    the others that share words, by BM25."""
    contents = assistant.snapshot.contents
    if not WORD.search(reading.text):
        return _Ranking(np.zeros(0, np.int32), {}, np.zeros(0, np.float32))
    matched = _share(contents.lexical, reading)
    query = replace(assistant.query(reading.text), words=reading.words)
    if reading.finished:
        found = evidence(contents, query)
    else:
        found = evidence(contents, replace(query, words=reading.words + reading.completions))
        found = replace(
            found,
            lexical=matched[found.passages],
            line_lexical=_share(contents.line_lexical, reading),
        )
    literal = not reading.finished or " " not in reading.text
    fusion = _LITERAL if literal else FUSED
    hits = [hit for hit in fuse(contents, query, found, fusion) if allowed[hit.passage]]
    matched = np.where(allowed, matched, 0)
    shared = (matched > 0) & (matched >= _SHARE * matched.max())
    near = [
        hit.passage for hit in hits if shared[hit.passage] or hit.score >= hits[0].score - _MARGIN
    ]
    shared[found.passages] = False
    rest = np.flatnonzero(shared)
    rest = rest[np.argsort(-matched[rest], kind="stable")]
    passages = np.array([*near, *rest], np.int32)
    _, firsts = np.unique(catalogue.sections[passages], return_index=True)
    # Nor does the encoder tell which line such a word is about.
    answers = {
        hit.passage: hit.answers[0] for hit in hits if not literal or not matched[hit.passage]
    }
    return _Ranking(passages[np.sort(firsts)], answers, found.line_lexical)


def _share(lexical: Lexical, reading: _Reading) -> Floats:
    """Return float32 (rows,), the share of BM25, all completions counting as one word."""
    found = lexical.share(reading.words)
    if not reading.completions:
        return found
    last: Floats = reduce(np.maximum, (lexical.share([word]) for word in reading.completions))
    rarity = lexical.rarity(reading.completions[0])
    others = sum(lexical.rarity(word) for word in dict.fromkeys(reading.words))
    weight = np.float32(rarity / (others + rarity))
    return found + weight * (last - found)


def _facets(contents: Contents, catalogue: _Catalogue, passages: Ints) -> tuple[Facet, ...]:
    counts = Counter(catalogue.documents[passages].tolist())
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    documents = ((contents.notes.documents[number], count) for number, count in most)
    return tuple(Facet(each.id, each.title, each.corpus, count) for each, count in documents)


def _hit(
    assistant: Assistant, rank: int, ranking: _Ranking, number: int, words: Collection[str]
) -> SearchHit:
    notes = assistant.snapshot.notes
    passage = notes.passages[number]
    document = notes.documents[passage.document]
    section = document.sections[passage.section]
    line = ranking.line(assistant.snapshot.contents, number)
    url = section_url(assistant.link_template, assistant.public_url, document, section)
    text = passage.text(document.source)
    return SearchHit(
        rank=rank,
        text=text,
        highlights=tuple(Highlight(start, end) for start, end in _marked(text, words)),
        snippet=_snippet(passage, line, words),
        section=SectionRef(section.title, section.path, section.anchor, section.level),
        document=DocumentRef(
            document.id, document.title, document.corpus, document.language, document.path
        ),
        url=url,
        highlight_url=highlight_url(url, passage.lines[line].words),
    )


def _marked(text: str, words: Collection[str]) -> list[tuple[int, int]]:
    """Return where any of the words stand in a text as it is written, sorted and disjoint."""
    read, places = _read_as(text)
    found: list[tuple[int, int]] = []
    for span in spans(read):
        if any(word in words for word in span.words):
            start = places[span.start]
            end = places[span.end]
            # A mark that joins no letter stands behind the word it belongs to.
            if marks := _MARKS.match(text, end):
                end = marks.end()
            if found and start <= found[-1][1]:
                start = found.pop()[0]
            found.append((start, end))
    return found


def _read_as(text: str) -> tuple[str, Sequence[int]]:
    """Return the text normalised, and where each of its characters and its end stand in `text`."""
    read = normalise(text)
    if read == text:
        return text, range(len(text) + 1)
    parts, places = [], []
    for cluster in _CLUSTER.finditer(text):
        part = normalise(cluster[0])
        parts.append(part)
        places += [min(cluster.start() + at, cluster.end()) for at in range(len(part))]
    return "".join(parts), [*places, len(text)]


def _snippet(passage: Passage, line: int, words: Collection[str]) -> str:
    """Return about 160 characters around a line as HTML: nothing of the notes is markup in it."""
    lines = [_SPACE.sub(" ", _plain(each)).strip() for each in passage.lines]
    text = " ".join(lines)
    begin = sum(len(each) + 1 for each in lines[:line])
    if len(lines[line]) > _SNIPPET:
        # Of a long line it shows what is around the first word found.
        first = next((at for at, _ in _marked(lines[line], words)), 0)
        begin += max(0, min(first - _LEAD, len(lines[line]) - _SNIPPET))
    start, end = _window(text, begin)
    shown = text[start:end]
    parts = ["…" if start else ""]
    position = 0
    for at, until in _marked(shown, words):
        parts.append(html.escape(shown[position:at]))
        parts.append(f"<mark>{html.escape(shown[at:until])}</mark>")
        position = until
    parts += [html.escape(shown[position:]), "…" if end < len(text) else ""]
    return "".join(parts)


def _plain(line: Line) -> str:
    # Beside Hangul, CommonMark leaves some stars where authors meant bold.
    return line.plain if line.kind == "code" else _BOLD.sub(r"\1", line.plain)


def _window(text: str, begin: int) -> tuple[int, int]:
    """Return what to show of a text: from `begin` on, and from before it where the text ends soon.

    It is cut between words, or inside one that is too long, never inside a character as people see
    it.
    """
    begin = max(0, min(begin, len(text) - _SNIPPET))
    end = begin + _SNIPPET
    edges = [cluster.start() for cluster in _CLUSTER.finditer(text)]
    starts = [at for at in edges if begin <= at < begin + _LEAD]
    ends = [at for at in edges if end - _LEAD < at <= end]
    spaced = (at for at in starts if not at or text[at - 1] == " ")
    start = next(spaced, starts[0] if starts else begin)
    if end >= len(text):
        return start, len(text)
    spaced = (at for at in reversed(ends) if text[at] == " ")
    return start, next(spaced, ends[-1] if ends else end)
