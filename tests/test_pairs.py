"""Marks around several sentences, and formulas: each sentence is read whole, and says no mark."""

import pytest

from index.sections import parse


def said(source: str) -> list[str]:
    parsed = parse(source, "file")
    return [line.plain for s in parsed.sections for b in s.blocks for line in b.lines]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "**Shut the valve. Wait an hour.** Go on.",
            ["Shut the valve.", "Wait an hour.", "Go on."],
        ),
        (
            "**밸브를 잠근다. (가장 안전함)** 그다음 기다린다.",
            ["밸브를 잠근다.", "(가장 안전함) 그다음 기다린다."],
        ),
        ("==Dry it. Twice.== ~~Or not. Never.~~", ["Dry it.", "Twice. Or not.", "Never."]),
        ("*Slow. **Very slow.*** Done.", ["Slow.", "Very slow.", "Done."]),
        ("It takes 2 * 3. Then 4 * 5.", ["It takes 2 * 3.", "Then 4 * 5."]),
        ("Pass **options first. Then **rest.", ["Pass **options first.", "Then **rest."]),
        ("`**` is a mark. **Use it. Well.**", ["** is a mark.", "Use it.", "Well."]),
    ],
)
def test_a_pair_of_marks_around_sentences_is_read_in_each(source: str, expected: list[str]) -> None:
    assert said(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("So $\\exists ! x$ holds. Next.", ["So \\exists ! x holds.", "Next."]),
        ("Then $$5! = 120$$ is it. Next.", ["Then 5! = 120 is it.", "Next."]),
        ("- $k$ is 406.4", ["k is 406.4"]),
        ("$k$ is 7", ["k is 7"]),
        ("A pen is $3. Two are $5.", ["A pen is $3.", "Two are $5."]),
        ("A pen is 3$. Two are 5$.", ["A pen is 3$.", "Two are 5$."]),
        ("\\$9 and $x\\$y$.", ["$9 and x\\$y."]),
    ],
)
def test_a_formula_is_never_cut_and_prices_are_none(source: str, expected: list[str]) -> None:
    assert said(source) == expected
