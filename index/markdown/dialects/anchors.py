"""Anchors: the fragment that GitHub gives a heading."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

import regex

# Ruby's \p{Word}, which GitHub's filter keeps, spelled out. Variation selectors are marks, so they
# stay, as on GitHub: `## ⚙️ Settings` is `#️-settings` with an invisible U+FE0F.
_DROPPED = regex.compile(r"[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\- ]")


def slug(heading: str) -> str:
    """Return GitHub's slug of a heading's text (Markdown already taken off).

    Lower case, punctuation and emoji dropped, each space a hyphen, Hangul kept:
    html-pipeline's table of contents filter.
    """
    return _DROPPED.sub("", heading.strip().lower()).replace(" ", "-")


def unique(slugs: Iterable[str], given: Sequence[str] = ()) -> Iterator[str]:
    """Yield each slug, repeated ones with `-1`, `-2`, as github-slugger counts them.

    A counted slug never equals another heading's own: `a`, `a`, `a-1` become `a`, `a-1`, `a-1-1`.
    given: the id that its author gave each heading, or ""; it comes before every slug.
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
