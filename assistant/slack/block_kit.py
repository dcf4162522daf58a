"""Turns an answer into a message in Slack's Block Kit, within Slack's limits.

https://docs.slack.dev/reference/block-kit
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from assistant.answering import Answer, FoundPassage, caveat
from assistant.slack.mrkdwn import cut, escaped, link, shown
from assistant.slack.rich_text import linkable, quoted
from assistant.slack.slack_words import word
from index.language import Language

Block: TypeAlias = dict[str, Any]

HELPED = "notes_helped"
NOT_HELPED = "notes_not_helped"
# block_id says in which language a vote is thanked for.
VOTES = "notes_votes_"
_MAX_TEXT = 3000
_MAX_LABEL = 200
_MAX_ALSO = 120
_MAX_FALLBACK = 1000
_MORE_SECTIONS = 2


@dataclass(frozen=True)
class Message:
    """A Slack message: its blocks, and the text for notifications and screen readers."""

    text: str
    blocks: Sequence[Block] = field(default_factory=list)


def said(text: str) -> Message:
    """Return a message with one sentence of the app itself."""
    return Message(_fallback(text), [_sentence(text)])


def answer_message(answer: Answer) -> Message:
    """Return the message of an answer: quote, place, at most two more sections, two buttons."""
    if answer.passages:
        return _covered(answer)
    text = answer.message or caveat("not_covered", answer.language, ())
    if not answer.closest:
        return said(text)
    closest = word("closest", answer.language)
    place = _place(answer.closest)
    blocks = [_sentence(text), _context(f"{closest} {place}"), _votes(answer)]
    path = _path(answer.closest)
    return Message(_fallback(f"{text} {closest} {path}"), blocks)


def _covered(answer: Answer) -> Message:
    first, *others = answer.passages
    quote = quoted(first)
    blocks: list[Block] = []
    if answer.corrected_from:
        searched = word("searched", answer.language, cut(shown(answer.query), _MAX_LABEL))
        element = {"type": "plain_text", "text": searched, "emoji": False}
        blocks.append({"type": "context", "elements": [element]})
    if answer.grade == "may_answer":
        blocks.append(_sentence(answer.message or caveat("may_answer", answer.language, ())))
    blocks.append({"type": "rich_text", "elements": quote.elements})
    place = _place(first)
    if not quote.whole:
        more = word("more", answer.language)
        place += f" · {link(first.url, more)}" if linkable(first.url) else " · …"
    if first.damaged:
        place += f" · {word('mended', answer.language)}"
    blocks.append(_context(place))
    if others:
        blocks.append(_also(others[:_MORE_SECTIONS], answer.language))
    blocks.append(_votes(answer))
    return Message(_fallback(f"{quote.best} ({_path(first)})"), blocks)


def _fallback(text: str) -> str:
    """Return the text for notifications, cut and escaped."""
    return escaped(cut(text, _MAX_FALLBACK)).strip() or "…"


def _sentence(text: str) -> Block:
    element = {"type": "text", "text": cut(shown(text), _MAX_TEXT) or "…"}
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [element]}],
    }


def _context(mrkdwn: str) -> Block:
    element = {"type": "mrkdwn", "text": mrkdwn, "verbatim": True}
    return {"type": "context", "elements": [element]}


def _place(passage: FoundPassage) -> str:
    """Return the section's path in mrkdwn, as a link where Slack can open the address."""
    path = _path(passage)
    # With a link of its full length, what is escaped stays below the limit of a text.
    for url in (passage.highlight_url, passage.url):
        if linkable(url) and len(linked := link(url, path)) <= _MAX_TEXT // 2:
            return linked
    return escaped(path)


def _path(passage: FoundPassage) -> str:
    path = passage.section.path
    return cut(" › ".join(path[1:] or path) or passage.document.title, _MAX_LABEL)


def _also(passages: Sequence[FoundPassage], language: Language) -> Block:
    lines = [f"{word('also', language)}\n"]
    elements: list[Block] = [{"type": "text", "text": lines[0], "style": {"italic": True}}]
    for number, passage in enumerate(passages):
        title = cut(shown(passage.section.title), _MAX_LABEL) or "…"
        url = next(filter(linkable, (passage.highlight_url, passage.url)), "")
        named = {"type": "link", "url": url} if url else {"type": "text"}
        best = " ".join(quoted(passage).best.split())
        end = "\n" if number + 1 < len(passages) else ""
        elements.append({**named, "text": title})
        elements.append({"type": "text", "text": f": {cut(best, _MAX_ALSO)}{end}"})
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": elements}],
    }


def _votes(answer: Answer) -> Block:
    return {
        "type": "actions",
        "block_id": f"{VOTES}{answer.language}",
        "elements": [
            _button(HELPED, word("yes", answer.language), answer.id),
            _button(NOT_HELPED, word("no", answer.language), answer.id),
        ],
    }


def _button(action: str, label: str, value: str) -> Block:
    text = {"type": "plain_text", "text": label, "emoji": True}
    return {"type": "button", "action_id": action, "text": text, "value": value}
