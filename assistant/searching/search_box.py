"""Search for search boxes: ranked sections without a confidence, while the person still types."""

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Annotated

import numpy as np
import regex
from pydantic import Field

from assistant.answering import (
    Assistant,
    DocumentRef,
    Highlight,
    SectionRef,
    document_ref,
    searchable,
    section_ref,
)
from assistant.interpretation import Lexicon
from assistant.links import highlight_url, section_url
from assistant.retrieval import FUSED, evidence, fuse, scope
from assistant.searching.completion import Catalogue, catalogued
from assistant.searching.snippet import marked, snippet
from index.arrays import Floats, Ints, Mask, Ranges
from index.markdown import WORD
from index.storage import Contents
from index.words import Lexical

# A section matches if its share of BM25 is this part of the best one's, or its fused score within
# this of the best one's, as a paraphrase's is. Of the development questions on Docker that keeps
# the right section for 99 in 100, and two of six sections in the median.
_SHARE = 1 / 3
_MARGIN = 0.28
# What the encoder makes of a word alone, or of one cut short, says less than the word itself does,
# across languages as well.
_LITERAL = replace(FUSED, lexical=1.0, lexical_across=1.0)
# The word at the end that may be unfinished: Hangul, or what an identifier is made of.
_LAST = regex.compile(r"(?<!\S)(?:\p{Hangul}+|[\p{Latin}\p{N}_\-./:@+~]+)$")


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
    """A query after correction: its text, its words, and completions of its last word.

    finished: whether the last word is complete as typed; if not, `words` leaves it out.
    """

    text: str
    words: tuple[str, ...]
    completions: tuple[str, ...]
    finished: bool


@dataclass(frozen=True)
class _Ranking:
    """The sections that match, best first.

    passages: int32, the best passage of each section. answers: by passage, the most likely line
    from the searches. reading: the query to compare lines with where `answers` has none.
    """

    passages: Ints
    answers: Mapping[int, int]
    reading: _Reading

    def line(self, contents: Contents, passage: int) -> int:
        """Return the number of the best line of a passage."""
        if passage in self.answers:
            return self.answers[passage]
        within = contents.lines_of(np.array([passage], np.int32))
        return int(_share(contents.line_lexical, self.reading, within).argmax())


def search(
    assistant: Assistant,
    q: str,
    limit: int,
    offset: int,
    corpora: Sequence[str] = (),
    documents: Sequence[str] = (),
) -> Results:
    """Return one page of the sections that match: `limit` of them, from number `offset` on.

    The last word may be unfinished, unless white space follows it. corpora, documents: names of
    the corpora and documents to search; empty means all. Raises QuestionError when the query is
    blank or too long, UnknownName when a named corpus or document does not exist.
    """
    started = time.perf_counter()
    contents = assistant.snapshot.contents
    known = catalogued(contents)
    allowed = scope(contents.notes, corpora, documents)
    typed = searchable(q)
    reading = _read(assistant.lexicon, known, typed, q[-1].isspace())
    ranking = _ranked(assistant, known, reading, allowed)
    words = frozenset(reading.words + reading.completions)
    page = enumerate(ranking.passages[offset : offset + limit].tolist(), offset + 1)
    return Results(
        query=reading.text,
        corrected_from=None if reading.text == typed else typed,
        total=len(ranking.passages),
        hits=tuple(_hit(assistant, rank, ranking, number, words) for rank, number in page),
        facets=_facets(contents, known, ranking.passages),
        index_version=assistant.snapshot.version,
        took_ms=round((time.perf_counter() - started) * 1000, 2),
    )


def _read(lexicon: Lexicon, catalogue: Catalogue, typed: str, finished: bool) -> _Reading:
    """Return the corrected query; a last word that begins a word of the notes stays as typed."""
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
    """Return the last word if it may be unfinished, else an empty string."""
    found = _LAST.search(text)
    return found[0] if found else ""


def _ranked(
    assistant: Assistant, catalogue: Catalogue, reading: _Reading, allowed: Mask | None
) -> _Ranking:
    """Return the ranking of the sections that match.

    Candidates of the searches come first, by fused score; then other sections that share words
    with the query, by BM25.
    """
    contents = assistant.snapshot.contents
    if not WORD.search(reading.text) or (allowed is not None and not allowed.any()):
        return _Ranking(np.zeros(0, np.int32), {}, reading)
    matched = _share(contents.lexical, reading)
    query = replace(assistant.query(reading.text), words=reading.words)
    if reading.finished:
        found = evidence(contents, query, allowed)
    else:
        found = evidence(
            contents, replace(query, words=reading.words + reading.completions), allowed
        )
        found = replace(
            found,
            lexical=matched[found.passages],
            line_lexical=_share(contents.line_lexical, reading, contents.lines_of(found.passages)),
        )
    literal = not reading.finished or " " not in reading.text
    fusion = _LITERAL if literal else FUSED
    hits = fuse(contents, query, found, fusion)
    if allowed is not None:
        matched = np.where(allowed, matched, np.float32(0))
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
    by_line = replace(reading, completions=()) if reading.finished else reading
    return _Ranking(passages[np.sort(firsts)], answers, by_line)


def _share(lexical: Lexical, reading: _Reading, within: Ranges | None = None) -> Floats:
    """Return the share of BM25 that each text reaches, float32, all completions as one word.

    within: ranges of texts, None for all texts.
    """

    def share(words: Sequence[str]) -> Floats:
        return lexical.share(words) if within is None else lexical.share_within(words, within)

    found = share(reading.words)
    if not reading.completions:
        return found
    last: Floats = reduce(np.maximum, (share([word]) for word in reading.completions))
    rarity = lexical.rarity(reading.completions[0])
    others = sum(lexical.rarity(word) for word in dict.fromkeys(reading.words))
    weight = np.float32(rarity / (others + rarity))
    return found + weight * (last - found)


def _facets(contents: Contents, catalogue: Catalogue, passages: Ints) -> tuple[Facet, ...]:
    counts = Counter(catalogue.documents[passages].tolist())
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    names = ((contents.notes.names[number], count) for number, count in most)
    return tuple(Facet(each.id, each.title, each.corpus, count) for each, count in names)


def _hit(
    assistant: Assistant, rank: int, ranking: _Ranking, number: int, words: Collection[str]
) -> SearchHit:
    notes = assistant.snapshot.notes
    passage = notes.passages[number]
    document = notes.documents[passage.document]
    section = document.sections[passage.section]
    line = ranking.line(assistant.snapshot.contents, number)
    apart = notes.is_apart(document)
    url = section_url(assistant.link_template, assistant.public_url, document, section, apart)
    text = passage.text(document.source)
    return SearchHit(
        rank=rank,
        text=text,
        highlights=tuple(Highlight(start, end) for start, end in marked(text, words)),
        snippet=snippet(passage, line, words),
        section=section_ref(section),
        document=document_ref(document),
        url=url,
        highlight_url=highlight_url(url, passage.lines[line].words),
    )
