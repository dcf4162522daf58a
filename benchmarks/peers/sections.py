"""Notes cut at their headings, for both peers."""

import re
from pathlib import Path
from typing import Any

_HEADING = re.compile(r"#{1,6}\s+(\S.*)")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def split(notes: Path) -> list[dict[str, Any]]:
    """Return sections: path, line of the heading (from 1), title, text. No fence is cut."""
    found = []
    for file in sorted(notes.rglob("*.md")):
        source = file.read_text("utf-8")
        # What is blanked keeps its lines, so that those of the headings stay true.
        source = _FRONT_MATTER.sub(lambda front: "\n" * front[0].count("\n"), source, count=1)
        path, fenced = file.relative_to(notes).as_posix(), False
        start, title, lines = 1, path, [""]
        for number, line in enumerate([*source.splitlines(), "# end"], 1):
            fenced ^= line.lstrip().startswith("```")
            heading = None if fenced else _HEADING.fullmatch(line)
            if heading:
                if text := "\n".join(lines).strip():
                    found.append({"path": path, "line": start, "title": title, "text": text})
                start, title, lines = number, heading[1], []
            lines.append(line)
    return found
