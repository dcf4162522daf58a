"""Definitions of links and footnotes, which may stand anywhere in a document.

A piece of a document is parsed together with the definitions that it uses; without them its links
would be only words in brackets.
"""

from collections.abc import Iterable, Iterator, Sequence

import regex
from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token
from markdown_it.utils import EnvType

from index.markdown.commonmark import parser
from index.markdown.notes import Reference

_INNER = r"(?:[^\[\]\\]|\\.)"
_LABEL = regex.compile(rf"\[({_INNER}++)\]", regex.DOTALL)
# What stands before the lines of a quote or a list.
_FRAME = regex.compile(r"(?m)^[ \t>]+")
# Where a link's target needs brackets around it.
_ODD = regex.compile(r"[\s()]|^$")
_REFERRED = regex.compile(
    r"\\.|(?P<ticks>`++).*?(?<!`)(?P=ticks)(?!`)|\[\^(?P<note>[^\]\s]++)\](?!:)"
    rf"|(?P<image>!?)\[(?P<text>(?:{_INNER}|!?\[{_INNER}*+\](?:\[{_INNER}*+\]|\([^()\n]*+\))?)*+)\]"
    rf"(?:\[(?P<label>{_INNER}*+)\])?(?![(:])",
    regex.DOTALL,
)


def references(source: str, tokens: Iterable[Token], env: EnvType) -> Iterator[Reference]:
    """Yield the definitions that the parser found in a source, links before footnotes.

    A link's definition does not end the paragraph of a footnote, so it comes first.
    """
    lines = source.split("\n")
    for label, found in env.get("references", {}).items():
        yield Reference(label, _written(lines, found["map"]))
    for token in tokens:
        if token.type == "footnote_reference_open" and token.map:
            first, after = token.map
            blank = (n for n in range(first, after) if not lines[n].strip(" \t>"))
            written = _written(lines, (first, next(blank, after)))
            yield Reference(f"^{token.meta['label']}", written)


def _written(lines: Sequence[str], place: Sequence[int]) -> str:
    first, *rest = lines[place[0] : place[1]]
    return "\n".join([first[first.index("[") :], *(_FRAME.sub("", line) for line in rest)])


def used_references(known: Iterable[Reference], text: str) -> str:
    """Return the Markdown of the known definitions that a piece of their document uses."""
    named = {_key(label) for label in _LABEL.findall(text)}
    return "\n".join(each.text for each in known if each.label in named)


def reference_definitions(markdown: str) -> EnvType:
    """Return the parser's environment after it has read definitions; markdown: the definitions."""
    env: EnvType = {}
    if markdown:
        parser().parse(markdown, env)
    return env


def written_out(text: str, markdown: str) -> str:
    """Return a piece of Markdown in a form that needs no definitions, to be shown alone.

    Links get the targets of their definitions: `[a][b]` becomes `[a](target)`. The marks of defined
    footnotes are left out. markdown: the definitions.
    """
    if not markdown:
        return text
    env = reference_definitions(markdown)
    lines = text.split("\n")
    coded = {
        number
        for token in parser().parse(text, dict(env))
        if token.type in ("fence", "code_block", "html_block") and token.map
        for number in range(*token.map)
    }
    runs: list[tuple[bool, list[str]]] = []
    for number, line in enumerate(lines):
        if not runs or runs[-1][0] != (number in coded):
            runs.append((number in coded, []))
        runs[-1][1].append(line)
    return "\n".join(
        "\n".join(run) if is_code else _inlined("\n".join(run), env) for is_code, run in runs
    )


def _inlined(text: str, env: EnvType) -> str:
    links, notes = env.get("references", {}), env.get("footnotes", {}).get("refs", {})

    def written(match: regex.Match[str]) -> str:
        if match["note"]:
            return "" if f":{match['note']}" in notes else str(match[0])
        link = links.get(normalizeReference(match["label"] or match["text"] or ""))
        if link is None:
            return str(match[0])
        title = ' "{}"'.format(link["title"].replace('"', '\\"')) if link["title"] else ""
        shown = _REFERRED.sub(written, match["text"])
        href = f"<{link['href']}>" if _ODD.search(link["href"]) else link["href"]
        return f"{match['image']}[{shown}]({href}{title})"

    return str(_REFERRED.sub(written, text))


def _key(label: str) -> str:
    return label if label.startswith("^") else normalizeReference(label)
