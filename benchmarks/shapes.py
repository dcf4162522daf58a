"""How the time to read, check and show a page grows with the length of what is repeated in it.

    python benchmarks/shapes.py [LENGTH] [SHAPE ...]

For each shape it prints the seconds that pages of LENGTH characters (20,000) and of four times as
many take, and the exponent between them: 1 is linear, 2 is quadratic. It ends with 1 where one is
above 1.5 and the longer page takes more than half a second.
"""

import math
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from index.checks.folder import check_page
from index.checks.link_checks import Folder
from index.markdown.sections import parse
from ui.html.markup import render_document

_GROWTH = 4
_STEEP = 1.5
_SLOW = 0.5
# fmt: off
REPEATED = (
    "<A ", "<A b={", "<A b={{{ ", "<X a=", "<!--", "<h1>", "<h1>\n", "{", "{#a", "{/*", "{{<",
    "{{< a ", "{%", "[[", "[[a|", "[^", "[", "[](", "[a](", "[a](b) ", "[a]({{", "[a]: b\n",
    "[a][b] ", "![", "%% ", "%%a", "$", "$a ", "*a ", "**a", "**가(", "**가(나)**는 ", "__가__는 ",
    "가**나**다 ", "_a", "~~a", "`a ", "\\", "&amp", "https://", "> a\n", "- a\n", "===\n",
    "a\n", "| a ", "|", "e.g. ",
    "가. ", "1. ", "\"가. ", "가나다라 마바사. ", "가", "ê°€ë‚˜", "# 가\n\n글\n\n",
    ":::a\n", "=== \"a\"\n    x\n",
    "import { a } from ", "<details>\n<summary>가</summary>\n\n글\n\n",
)
# fmt: on
WHOLE: dict[str, Callable[[int], str]] = {
    "table": lambda n: "| a " * n + "\n" + "|---" * n + "\n" + "| b " * n,
    "rows": lambda n: "<table>" + "<tr><td>가나다</td></tr>" * n + "</table>",
    "quotes": lambda n: "> " * n + "x",
    "lists": lambda n: "- " * n + "x",
    "attributes": lambda n: "## a {" + ".a " * n + "!}",
    "front matter": lambda n: "---\n" + "a: b\n" * n,
    "footnotes": lambda n: "".join(f"[^{i}]" for i in range(n)) + "\n\n[^1]: x\n",
}


def main(length: int, names: list[str]) -> int:
    """Print a line for each shape; return 1 where one grows too steeply."""
    pages = {repr(unit): _page(unit.__mul__, length) for unit in REPEATED}
    pages |= {name: _page(made, length) for name, made in WHOLE.items()}
    steep = False
    with tempfile.TemporaryDirectory() as empty:
        folder = Folder(Path(empty))
        ways: dict[str, Callable[[str], object]] = {
            "read": lambda page: parse(page, "page"),
            "check": lambda page: check_page("page.md", page.encode(), folder),
            "show": render_document,
        }
        for name, (short, long) in pages.items():
            if names and name.strip("'\"") not in names:
                continue
            found = {way: (_seconds(run, short), _seconds(run, long)) for way, run in ways.items()}
            growth = math.log(len(long) / len(short))
            told = []
            for way, (least, most) in found.items():
                exponent = math.log(most / least) / growth
                told.append(f"{way} {least:7.3f} s {most:7.3f} s {exponent:5.2f}")
                steep |= exponent > _STEEP and most > _SLOW
            print(f"{name:32} " + "   ".join(told), flush=True)
    return int(steep)


def _page(made: Callable[[int], str], length: int) -> tuple[str, str]:
    count = max(1, length * 100 // len(made(100)))
    return made(count), made(count * _GROWTH)


def _seconds(run: Callable[[str], object], page: str) -> float:
    """Return the shorter of two: what else the machine does makes one of them longer."""
    taken = []
    for _ in range(2):
        start = time.process_time()
        run(page)
        taken.append(time.process_time() - start)
    return max(min(taken), 1e-6)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, sys.argv[2:]))
