"""Anchors of headings, computed as on GitHub."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

import regex

# Ruby's \p{Word}, which GitHub's filter keeps, spelled out. Variation selectors are marks, so they
# stay, as on GitHub: `## ⚙️ Settings` is `#️-settings` with an invisible U+FE0F.
_DROPPED = regex.compile(r"[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\- ]")


def slug(heading: str) -> str:
    """Return GitHub's slug of a heading's text, which must be free of Markdown.

    `도커 Volumes!` becomes `도커-volumes`: letters in lower case, no punctuation or emoji, a hyphen
    for each space. The rules are those of html-pipeline's table of contents filter.
    """
    return _DROPPED.sub("", heading.strip().lower()).replace(" ", "-")


def unique(slugs: Iterable[str], given: Sequence[str] = ()) -> Iterator[str]:
    """Yield each slug, a repeated one with `-1`, `-2`, counted like in github-slugger.

    A counted slug never equals another heading's slug: `a`, `a`, `a-1` become `a`, `a-1`, `a-1-1`.
    given: the id that the author gave each heading, or ""; an id takes precedence over all slugs.
    """
    seen = {own: 0 for own in given if own}
    free = set(seen)
    for base, own in zip_longest(slugs, given, fillvalue=""):
        if own in free:
            free.remove(own)
            yield own
            continue
        result = base
        while result in seen:
            seen[base] += 1
            result = f"{base}-{seen[base]}"
        seen[result] = 0
        yield result
