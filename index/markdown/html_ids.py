"""The ids in HTML between Markdown, which links may have as their targets."""

from dataclasses import dataclass
from html.parser import HTMLParser


@dataclass(frozen=True)
class Tag:
    """An HTML tag with its line, counted from 0, its offset, its name and its attributes."""

    line: int
    start: int
    name: str
    attributes: dict[str, str]

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the fragments that links may use to point to this tag."""
        names = (self.attributes.get("id"), self.name == "a" and self.attributes.get("name"))
        return tuple(dict.fromkeys(name for name in names if name))


class _Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[Tag] = []
        self._starts = [0]
        for line in html.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        line, column = self.getpos()
        self.found.append(Tag(line - 1, self._starts[line - 1] + column, tag, values))

    handle_startendtag = handle_starttag


def tags(html: str) -> list[Tag]:
    """Return the tags of some HTML in order."""
    if html.startswith(("</", "<!--")) and "\n" not in html:
        return []
    reader = _Tags(html)
    try:
        reader.feed(html)
        reader.close()
    except AssertionError:
        # The standard parser gives up on some malformed declarations.
        return reader.found
    return reader.found
