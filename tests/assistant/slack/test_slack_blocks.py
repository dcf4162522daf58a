"""Answers as blocks: whatever the notes hold, Slack takes them, and nobody is pinged."""

import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from slack_standin import message_faults

from assistant.answering.answer import Answer, DocumentRef, FoundPassage, Highlight, SectionRef
from assistant.answering.ask import searchable
from assistant.slack.block_kit import Message, answer_message, said
from assistant.slack.mrkdwn import cut, escaped, question
from assistant.slack.rich_text import quoted

PIECES = [
    "<!channel>", "<@U1>", "<#C1|x>", "*bold*", "**strong**", "_it_", "`code`", "~~gone~~", "&amp;",
    "<https://x.example|x>", "[a](https://x.example/?a=1&b=<2>|3)", "[b](javascript:x)", "![i](y)",
    "| a | b |\n|---|---|\n| **c** | <!here> |", "- one\n  - two\n", "1. first\n", "> quote. More.",
    "```\n<!channel>\n  code\n```", "    indented", "---", "# Heading", "단어. 문장.", "\u202e",
    "\x00", "<div>html</div>", "<!-- not -->", "\n\n", "\n", " ", "word " * 200, "x" * 10_000,
    "a*b_c",
]  # fmt: skip
MARKDOWN = st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=12).map("".join)


def passage(text: str, start: int = 0, end: int | None = None, url: str = "") -> FoundPassage:
    marked = Highlight(start, len(text) if end is None else end)
    section = SectionRef("Title", ("Notes", "Title"), "title", 2)
    document = DocumentRef("d", "Notes", "default", "en", "d.md")
    return FoundPassage(1, 0.9, text, (marked,), 1, section, document, False, url, url)


def answer(*passages: FoundPassage, **changed: Any) -> Answer:
    fields: dict[str, Any] = {
        "id": "a" * 32,
        "status": "answered" if passages else "not_covered",
        "grade": "answers" if passages else "not_covered",
        "confidence": 0.9,
        "message": None,
        "language": "en",
        "query": "q",
        "corrected_from": None,
        "index_version": "v",
        "took_ms": 1.0,
        "passages": passages,
        "closest": None,
    }
    return Answer(**{**fields, **changed})


def faults(message: Message) -> list[str]:
    body = {"channel": "C1", "text": message.text, "blocks": list(message.blocks)}
    return list(message_faults("chat.postMessage", body))


def texts(message: Message) -> str:
    return "".join(
        element["text"]
        for block in message.blocks
        if block["type"] == "rich_text"
        for section in block["elements"]
        for element in section["elements"]
    )


@settings(max_examples=150, deadline=None)
@given(
    text=MARKDOWN,
    other=MARKDOWN,
    place=st.tuples(st.integers(0, 300), st.integers(0, 300)),
    title=MARKDOWN,
    url=st.sampled_from(
        ["", "/notes/a#b", "https://n.example/a|b c<d>&e#f", "https://n.example/" + "x" * 4000]
    ),
)
@example(text="\u202e", other="", place=(0, 1), title="", url="")
def test_slack_takes_any_answer(
    text: str, other: str, place: tuple[int, int], title: str, url: str
) -> None:
    start, end = sorted(min(each, len(text)) for each in place)
    first = passage(text, start, end, url)
    section = SectionRef(title, ("Notes", title), "title", 2)
    second = FoundPassage(2, 0.5, other, (), 1, section, first.document, False, url, url)
    shown = answer_message(
        answer(first, second, grade="may_answer", corrected_from=title, query=title)
    )
    assert not faults(shown)
    assert not faults(answer_message(answer(closest=second, message=title)))
    assert not faults(said(title))


@pytest.mark.parametrize(
    ("markdown", "best", "shown"),
    [
        ("One. **Two** is `x`. Three.", "**Two** is `x`.", "One. Two is x. Three."),
        ("- one\n  - two\n- three", "two", "• one\n• two\n• three"),
        ("1. one\n2. two", "two", "1. one\n2. two"),
        ("    - deep\n      more\n    - item", "item", "• deep more\n• item"),
        ("| a | b |\n|---|---|\n| **c** | d |", "| **c** | d |", "c / b: d"),
        ("Run:\n\n```\na {\n  b\n}\n```", "b", "Run:a {\n  b\n}"),
        ("> One.\n> Two.", "Two.", "One. Two."),
        (
            "[Volumes](https://d.example/v) last.",
            "[Volumes](https://d.example/v) last.",
            "Volumes last.",
        ),
        ("[here](#a) it is", "[here](#a) it is", "here it is"),
    ],
)
def test_the_line_that_answers_stands_among_its_neighbours(
    markdown: str, best: str, shown: str
) -> None:
    start = markdown.index(best)
    message = answer_message(answer(passage(markdown, start, start + len(best))))
    assert texts(message) == shown


def test_only_what_answers_is_bold() -> None:
    text = "**Loud** words. The answer."
    (quote,) = quoted(passage(text, text.index("The"), len(text))).elements
    bold = [part["text"] for part in quote["elements"] if part.get("style", {}).get("bold")]
    assert bold == ["The answer."]


def test_what_is_long_is_cut_at_a_sentence_with_a_link_to_the_rest() -> None:
    text = " ".join(
        f"Sentence {number} says a little about boats and rivers." for number in range(40)
    )
    start = text.index("Sentence 20")
    found = passage(text, start, start + 40, "https://n.example/d#t")
    message = answer_message(answer(found))
    shown = texts(message)
    assert shown.startswith("Sentence 19")
    assert shown.endswith("rivers.")
    assert len(shown) <= 500
    (context,) = [block for block in message.blocks if block["type"] == "context"]
    assert context["elements"][0]["text"].endswith("<https://n.example/d#t|Read on>")


def test_no_link_is_relative() -> None:
    message = answer_message(answer(*[passage("One.", url="/notes/d#t")] * 3))
    assert "/notes/" not in str(message.blocks)
    assert "Title" in str(message.blocks)


def test_no_more_than_two_sections_are_added() -> None:
    message = answer_message(answer(*[passage("One.", url="https://n.example/d")] * 5))
    assert texts(message).count("Title") == 2


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("<@UBOT> what is it?", "what is it?"),
        ("hey <@UBOT|notes>, what?", "hey , what?"),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        (
            "see <http://x.example|x.example> and <https://y.example>",
            "see x.example and https://y.example",
        ),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("ask <@U1|ann> or <@U2> in <#C1|general>", "ask @ann or in #general"),
        ("<!here> <!subteam^S1|@team> <!date^1^{date}|today>", "@here @team today"),
        ("&lt;@U1&gt; 1 < 2", "<@U1> 1 < 2"),
    ],
)
def test_a_question_is_what_was_written(text: str, asked: str) -> None:
    assert question(text, {"UBOT"}) == asked


def test_the_first_mention_is_the_bot_where_it_is_not_known() -> None:
    assert question("<@U9> what?") == "what?"


@given(st.text())
def test_escaped_text_has_no_marks_of_slack(text: str) -> None:
    assert not re.search(r"[<>\u202e\x00]", escaped(text))


@given(st.text(), st.integers(1, 50))
def test_what_is_cut_is_short_enough(text: str, most: int) -> None:
    assert len(cut(text, most)) <= most


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=50).filter(str.strip))
def test_a_question_without_slack_s_marks_stays(text: str) -> None:
    plain = re.sub(r"[<>&]", "", text)
    assert question(plain, {"UBOT"}) == " ".join(plain.split())
    if plain.strip(" \t\n"):
        assert isinstance(searchable("x" + question(plain, {"UBOT"})), str)
