"""Links by label and footnotes: a piece of a document is read with the definitions it uses."""

import json
from pathlib import Path

import pytest
from quoting import about, marked, quotes, said

from assistant.slack.rich_text import quoted
from index.markdown.references import written_out
from ui.html.markup import render, render_quote

SOURCE = """# Harbour
## Ships
The *old* [pilot boat][boat] waits at [Pier Four], see the [tide
table][]. It leaves at six[^late]. 배는 [항만청][office]이 살핀다.

> A pier has [two cranes][crane].

| Ship | Berth |
|---|---|
| Ada | [north][boat] |

```
[boat][boat] stays
```

## Further down
Nothing here, `[boat][boat]` neither, nor \\[boat], nor [unknown][one].

> [crane]: https://example.com/crane
>   "Two of them"

[boat]: <https://example.com/a boat>
[pier four]: https://example.com/four
[Tide Table]: /tides
[office]: https://example.com/office
[unused]: https://example.com/unused
[^late]: Seven in
    winter.
"""


def test_each_face_reads_a_sentence_with_the_definitions_of_its_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = quotes(tmp_path, SOURCE, limit=12)
    first = about(found, "pilot boat")
    assert said(first, capsys) == ("The old pilot boat waits at Pier Four, see the tide table.")
    lead = render_quote(first.text, first.highlights[0], first.url, first.references)
    assert '<a href="https://example.com/a%20boat"' in lead
    assert '<a href="https://example.com/four"' in lead
    assert '<a href="https://notes.test/notes/tides"' in lead
    links = [each for each in quoted(first).elements[0]["elements"] if each["type"] == "link"]
    assert [each["url"] for each in links] == [
        "https://example.com/a%20boat",
        "https://example.com/four",
    ]
    assert said(about(found, "항만청"), capsys) == "배는 항만청이 살핀다."
    assert said(about(found, "leaves at six"), capsys) == "It leaves at six."


@pytest.mark.parametrize("limit", [3, 12, 1000])
def test_no_face_shows_what_only_the_parser_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], limit: int
) -> None:
    for found in quotes(tmp_path, SOURCE, limit):
        shown = [
            said(found, capsys),
            render(found.text, found.highlights, found.url, found.references),
            json.dumps(quoted(found).elements),
            written_out(marked(found), found.references),
        ]
        for text in shown:
            assert "[^late]" not in text
            # Code stays as it is, and so does what nothing defines.
            kept = text.replace("[boat][boat]", "").replace("[unknown][one]", "")
            assert "][" not in kept


def test_a_passage_brings_the_definitions_it_uses_and_no_others(tmp_path: Path) -> None:
    found = about(quotes(tmp_path, SOURCE, limit=12), "항만청")
    assert "https://example.com/office" in found.references
    assert "unused" not in found.references
    assert "[^late]: Seven in\nwinter." in found.references
    assert SOURCE.count(found.text) == 1


def test_markdown_to_take_away_has_its_links_with_it(tmp_path: Path) -> None:
    found = quotes(tmp_path, SOURCE, limit=1000)
    crane = about(found, "two cranes")
    out = written_out(crane.text, crane.references)
    assert '[two cranes](https://example.com/crane "Two of them")' in out
    assert "[pilot boat](https://example.com/a%20boat)" in out
    assert "[tide\ntable](/tides)" in out
    assert "| [north](https://example.com/a%20boat) |" in out
    assert "It leaves at six. 배는" in out
    assert "\n[boat][boat] stays\n" in out
    below = about(found, "neither")
    kept = "`[boat][boat]` neither, nor \\[boat], nor [unknown][one]."
    assert kept in written_out(below.text, below.references)
    assert written_out("[a][b] ![c][] [![c]][b]", "[b]: /to\n[c]: <>\n") == (
        "[a](/to) ![c](<>) [![c](<>)](/to)"
    )
