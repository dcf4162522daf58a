"""Slack's markup (mrkdwn): reads a question from it, and escapes other text for it.

https://docs.slack.dev/messaging/formatting-message-text
"""

import html
from collections.abc import Collection

import regex

_REFERENCE = regex.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_SPECIAL = ("@", "#", "!")
# At a word's edge these would begin or end bold, italic, struck or code; inside one they do not.
_EDGES = regex.compile(r"(?<![\p{L}\p{N}])[*_~`]|[*_~`](?![\p{L}\p{N}])")
_ALIKE = {"*": "∗", "_": "＿", "~": "∼", "`": "ˋ"}
# What would turn the text around it, or means nothing on a screen.
_UNSEEN = regex.compile(r"[\p{Bidi_Control}\p{Cs}]|(?![\n\t])\p{Cc}")


def question(text: str, bots: Collection[str] = ()) -> str:
    """Return the question as the person wrote it, without mentions of the bot and Slack's escapes.

    bots: user ids of the app's bot; if empty, a mention at the start is taken for the bot's.
    """
    if not bots and (first := regex.match(r"\s*<@[^<>]*>", text)):
        text = text[first.end() :]

    def written(reference: regex.Match[str]) -> str:
        target, label = reference[1], reference[2]
        if target.startswith("@") and target[1:] in bots:
            return " "
        if not target.startswith(_SPECIAL):
            return label or target
        if target.startswith("!"):
            # <!here>, <!subteam^S1|@team>, <!date^…|tomorrow>
            return label or f"@{target[1:].partition('^')[0]}"
        # A person's or a channel's id means nothing to the notes.
        return f"{target[0]}{label.removeprefix(target[0])}" if label else " "

    return " ".join(html.unescape(_REFERENCE.sub(written, text)).split())


def escaped(text: str) -> str:
    """Return the text escaped, so that mrkdwn shows it literally: no link, mention or channel."""
    safe = shown(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _EDGES.sub(lambda edge: _ALIKE[edge[0]], safe)


def link(url: str, label: str) -> str:
    """Return a link in mrkdwn."""
    address = url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E")
    return f"<{address.replace('|', '%7C').replace(' ', '%20')}|{escaped(label)}>"


def shown(text: str) -> str:
    """Return the text without control characters and marks that change its direction."""
    return _UNSEEN.sub("", text)


def cut(text: str, most: int) -> str:
    """Return at most `most` characters of the text, cut between words and with an ellipsis."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    space = kept.rfind(" ", most // 2)
    return (kept[:space] if space > 0 else kept).rstrip() + "…"
