"""Front matter at the top of a file: YAML between `---`, TOML between `+++`, or a JSON object."""

import json
from typing import Any

import regex
from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

_KEY = regex.compile(
    r"\s*(?:[\"']?[\p{L}_][^:\n]{0,80}:(?:\s|$)|[\p{L}_][\w.-]*\s*=|\[[\w.]+\]$|#|$)"
)
_LINE = regex.compile(r"line (\d+)")
_FENCES = {"---": ("---", "..."), "+++": ("+++",)}


class MatterError(ValueError):
    """The front matter is not valid; `line` is counted from 1 in the file, 0 if unknown."""

    def __init__(self, kind: str, line: int) -> None:
        super().__init__(f"its front matter is not {kind}" + (f" at line {line}" if line else ""))
        self.line = line


def matter_plugin(markdown: MarkdownIt) -> None:
    """Add the rule for front matter to a parser."""
    alt: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    markdown.block.ruler.before("table", "front_matter", _rule, alt)


def read(token: Token) -> dict[str, Any]:
    """Return the values in a front matter's token by their names. Raises MatterError."""
    kind, reader = _READERS.get(token.markup, ("JSON", _json))
    try:
        found = reader(token.content)
    except MatterError:
        raise
    except (ValueError, RecursionError) as error:
        raise MatterError(kind, 1) from error
    return found if isinstance(found, dict) else {}


def aliases(source: str) -> tuple[str, ...]:
    """Return the aliases in a note's front matter: alternative names, as in Obsidian."""
    first, _, rest = source.removeprefix("\ufeff").partition("\n")
    fence = first.rstrip()
    if fence not in _FENCES or "alias" not in rest:
        return ()
    lines = rest.split("\n")
    end = next((n for n, line in enumerate(lines) if line.rstrip() in _FENCES[fence]), 0)
    try:
        said = _READERS[fence][1]("\n".join(lines[:end]))
    except (ValueError, RecursionError):
        return ()
    found = [said.get(key) for key in ("aliases", "alias")] if isinstance(said, dict) else []
    names = [name for item in found for name in (item if isinstance(item, list) else [item])]
    return tuple(str(name).strip() for name in names if name)


# Only a build reads front matter: nothing else waits for these libraries.
def _yaml(content: str) -> Any:
    import yaml

    # LibYAML's where it is there: ten times as fast, and as safe.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(content, Loader=loader)  # noqa: S506
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        last = content.count("\n")
        raise MatterError("YAML", min(mark.line, last) + 2 if mark else 0) from error


def _toml(content: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(content + "\n")
    except tomllib.TOMLDecodeError as error:
        match = _LINE.search(str(error))
        raise MatterError("TOML", int(match[1]) + 1 if match else 0) from error


def _json(content: str) -> Any:
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        raise MatterError("JSON", error.lineno) from error


_READERS = {"---": ("YAML", _yaml), "+++": ("TOML", _toml)}


def _rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if start or silent or state.level or not end:
        return False
    lines = [str(state.src[state.bMarks[n] : state.eMarks[n]]).rstrip() for n in (0,)]
    first = lines[0]
    if first in _FENCES:
        found = _fenced(state, _FENCES[first], end)
    else:
        found = _object(state, end) if first.startswith("{") else None
    if found is None:
        return False
    content, after = found
    token = state.push("front_matter", "", 0)
    token.hidden, token.block, token.map = True, True, [0, after]
    token.markup, token.content = first if first in _FENCES else "{", content
    state.line = after
    return True


def _fenced(state: StateBlock, closings: tuple[str, ...], end: int) -> tuple[str, int] | None:
    lines: list[str] = []
    for number in range(1, end):
        line = str(state.src[state.bMarks[number] : state.eMarks[number]])
        if line.rstrip() in closings:
            # What no key stands in is a text between two lines.
            spoken = [text for text in lines if text.strip()]
            keyed = not spoken or any(_KEY.match(text) for text in spoken[:3])
            return ("\n".join(lines), number + 1) if keyed else None
        lines.append(line)
    return None


def _object(state: StateBlock, end: int) -> tuple[str, int] | None:
    try:
        found, length = json.JSONDecoder().raw_decode(state.src)
    except (ValueError, RecursionError):
        return None
    after = state.src.count("\n", 0, length) + 1
    rest = state.src[length : state.src.find("\n", length) if after < end else None]
    is_matter = isinstance(found, dict) and found and not rest.strip()
    return (state.src[:length], min(after, end)) if is_matter else None
