"""The analyzer of lexical search: Korean morphemes, English stems, identifiers and their parts."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from threading import Lock, local

import mecab_ko
import regex
import Stemmer

from index.errors import ModelError
from index.normalising import normalise
from index.words.stopword_list import stopwords

# Paths, files, flags, versions and plain words: `/var/lib/docker`, `docker-compose.yml`, `--rm`.
_LATIN = regex.compile(
    r"(?<![\p{Latin}\p{N}])(?:--?(?=\p{Latin})|[/~.]*)[\p{Latin}\p{N}_]+(?:[-./:@+][\p{Latin}\p{N}_]+)*"
)
_PART = regex.compile(r"\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{N}+|\p{Latin}+")
# `up` and `down` are what many commands are called.
_STOP = stopwords() - {"up", "down"}
# Nouns, verbs, adjectives, roots, adverbs, numerals, and counting nouns, as mecab-ko-dic tags them.
_CONTENT = frozenset({"NNG", "NNP", "NNBC", "NR", "VV", "VA", "XR", "MAG", "SH", "SN"})
# Verbs that stand in any question, and question words.
_EMPTY = frozenset(
    [
        "하",
        "되",
        "있",
        "없",
        "않",
        "같",
        "보",
        "주",
        "알",
        "어떻게",
        "왜",
        "언제",
        "좀",
        "잘",
        "더",
        "안",
        "못",
        "다",
        "이렇게",
        "그렇게",
    ]
)


@dataclass(frozen=True)
class Span:
    """The piece [start, end) of a text, and its words for comparison."""

    start: int
    end: int
    words: tuple[str, ...]


def analyze(text: str) -> list[str]:
    """Return the words of a text in order; questions and passages are compared by these words.

    Identifiers and Korean compound nouns are given whole and in parts, English words and Korean
    verbs as stems. Particles, endings and English stop words are left out.
    """
    return [word for span in spans(normalise(text)) for word in span.words]


def spans(text: str) -> tuple[Span, ...]:
    """Return the pieces of a normalised text that hold words, in order."""
    return _spans(text)


# A question is read several times on its way.
@lru_cache(maxsize=64)
def _spans(text: str) -> tuple[Span, ...]:
    latin = [match.span() for match in _LATIN.finditer(text)]
    found = [
        *(Span(start, end, tuple(_latin(text[start:end]))) for start, end in latin),
        *_korean(text, latin),
    ]
    return tuple(sorted((span for span in found if span.words), key=lambda span: span.start))


@lru_cache(maxsize=4096)
def morphemes(text: str) -> tuple[tuple[str, str], ...]:
    """Return the surface form of each morpheme with its tag, such as `NNG` or `VV+EF`."""
    found = (line.partition("\t") for line in _tagger().parse(text).splitlines())
    return tuple((surface, features.split(",")[0]) for surface, tab, features in found if tab)


def stem(word: str) -> str:
    """Return the stem of an English word in lower case."""
    return str(_stemmer().stemWord(word))


def _latin(identifier: str) -> Iterator[str]:
    parts = [part.lower() for part in _PART.findall(identifier)]
    whole = identifier.lower().strip("/~.:@+_")
    if whole and whole not in parts:
        yield whole
    for part in parts:
        if part not in _STOP or len(parts) > 1:
            yield stem(part)


def _korean(text: str, latin: Sequence[tuple[int, int]]) -> Iterator[Span]:
    # The whole text is read at once: what follows `VM` is a particle only behind it.
    starts = [start for start, _ in latin]
    position = 0
    for line in _tagger().parse(text).splitlines():
        surface, tab, rest = line.partition("\t")
        if not tab:
            continue
        start = text.index(surface, position)
        position = start + len(surface)
        before = bisect_right(starts, start) - 1
        if before < 0 or start >= latin[before][1]:
            yield Span(start, position, _content(surface, rest.split(",")))


def _content(surface: str, features: list[str]) -> tuple[str, ...]:
    parts = _parts(features) or [(surface, features[0])]
    words = [word for word, tag in parts if tag in _CONTENT and word not in _EMPTY]
    if features[4] == "Compound" and len(parts) > 1:
        words.insert(0, surface)
    return tuple(words)


def _parts(features: list[str]) -> list[tuple[str, str]]:
    """Return the parts of an inflected or compound morpheme with their tags.

    `보/VV/*+ᆯ/ETM/*` becomes `[("보", "VV"), ("ᆯ", "ETM")]`; a simple morpheme gives no parts.
    """
    if len(features) < 8 or features[7] == "*":
        return []
    parts = (part.split("/") for part in features[7].split("+"))
    return [(part[0], part[1]) for part in parts if len(part) > 1]


# A tagger and a stemmer hold state while they work: one of each for every thread.
_own = local()
_loading = Lock()


def _tagger() -> mecab_ko.Tagger:
    if not hasattr(_own, "tagger"):
        with _loading:
            _own.tagger = _model().createTagger()
    return _own.tagger


@cache
def _model() -> mecab_ko.Model:
    """Return the dictionary that all taggers share, because each copy would map 100 MB.

    Raises ModelError.
    """
    try:
        model = mecab_ko.Model()
    except RuntimeError as error:
        raise ModelError(
            "The dictionary of Korean cannot be opened. Give it more memory (it maps 100 MB), or "
            "install mecab-ko and mecab-ko-dic again."
        ) from error
    # Taggers do not hold on to it: it must stay when Python ends, in whatever order.
    model.disown()
    return model


def _stemmer() -> Stemmer.Stemmer:
    if not hasattr(_own, "stemmer"):
        _own.stemmer = Stemmer.Stemmer("english")
    return _own.stemmer
