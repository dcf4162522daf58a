"""Chooses the lines of a passage to mark, by the reader's verdict on each line.

A label ("주요 명령어", "예시") says nothing by itself: its share goes to the lines under it. If the
question asks for an example, lines of code get a higher share.
"""

from collections.abc import Sequence

import numpy as np
import regex

from index.arrays import Floats
from index.markdown import Line

# A line is marked beside the best one where it is at least a quarter as likely.
_LEAST = 0.25
_MOST = 3
# What asking for an example makes of the odds of a line of code.
_CODE_LOGIT = 4.0
_SENTENCE = regex.compile(r"(?:다|요|죠|음|함|됨|임|[.!。])[\s'\"”’)]*$")
_EXAMPLE = regex.compile(r"예시|예제|샘플|예를|\b(?:example|sample|snippet)s?\b", regex.IGNORECASE)


def shares(lines: Sequence[Line], source: str, logits: Floats, question: str) -> Floats:
    """Return the probability of each line to be the answer, float64 (lines,), with sum 1.

    The probabilities assume that one of the lines answers. source: the text of the lines'
    document. logits: the reader's logit for each line.
    """
    weighed = logits.astype(np.float64)
    code = np.array([line.kind == "code" for line in lines])
    if _EXAMPLE.search(question):
        weighed = weighed + _CODE_LOGIT * code
    raised = np.exp(weighed - weighed.max())
    found: Floats = raised / raised.sum()
    for label, below in labels(lines, source).items():
        parts = found[below] + 1e-3
        found[below] += found[label] * parts / parts.sum()
        found[label] = 0.0
    return found


def labels(lines: Sequence[Line], source: str) -> dict[int, list[int]]:
    """Return the label lines, which only name the lines under them, each with those lines.

    Keys and values are positions in `lines`.
    """
    columns = [line.start - source.rfind("\n", 0, line.start) - 1 for line in lines]
    found = {}
    for number, line in enumerate(lines):
        below = []
        for other in range(number + 1, len(lines)):
            within = lines[other].kind == "code" and columns[other] >= columns[number]
            if not within and columns[other] <= columns[number]:
                break
            below.append(other)
        named = line.kind in ("item", "sentence") and not _SENTENCE.search(line.plain)
        if named and below:
            found[number] = below
    return found


def marked(found: Floats) -> tuple[int, ...]:
    """Return the positions of the lines to mark, most likely first; found: the shares of all."""
    order = np.argsort(-found, kind="stable")[:_MOST]
    return tuple(int(line) for line in order if found[line] >= _LEAST * found[order[0]])
