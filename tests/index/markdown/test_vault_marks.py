"""Marks of editors, formulas, and pairs around several sentences: no line says one of them."""

import pytest

from index.markdown.sections import parse


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


def test_a_long_sentence_is_not_cut_within_a_formula() -> None:
    formula = f"$${' + '.join('abcdefghijklmnopqrstuvwxyz')}$$"
    found = said(f"{'long ' * 110}{formula} {'tail ' * 20}")
    assert formula.strip("$") in found[1]
    assert not any("$" in line for line in found)


def test_a_formula_on_lines_of_its_own_may_hold_empty_ones() -> None:
    assert said("$$\nx = 1\n\n+ 2\n$$\n\nWords.") == ["x = 1", "+ 2", "Words."]
    assert said("$$\nx\n\n# Head\n\nWords.\n\n$$\ny\n$$")[1:] == ["Words.", "y"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("[[ Kilns]] and [[ -f kiln ]]", ["Kilns and [[ -f kiln ]]"]),
        ("[[Load]](file, twice) it", ["Load(file, twice) it"]),
        ("[[one]][[two]], [[x]](y) and [[z]][r]", ["onetwo, [x] and [[z]][r]"]),
        ("Go [[#Kinds#**of([a])**|**of([a])**]] now", ["Go of([a]) now"]),
        (r"Go [[Set up#\[tool\]|\[tool\]]] now", ["Go [tool] now"]),
        ("Go [[Glaze#^a1b2c3]] now", ["Go Glaze now"]),
        ('Go [[Glaze#<font color="#ff0">Blue</font>]]', ["Go Glaze > Blue"]),
        ("Dry it.\n^a1b2c3\nThen fire it.", ["Dry it.", "Then fire it."]),
        ("> [!question]- (old) why?\n> So.", ["(old) why?", "So."]),
        ('<p>Dry.</p>\n{% endstep %}\n{% step title="Fire it" %}', ["Dry.", "Fire it"]),
        ("<div>\n{% if x %}\n<p>Dry.</p>\n{% endif %}\n</div>", ["Dry."]),
    ],
)
def test_marks_of_editors_are_no_words(source: str, expected: list[str]) -> None:
    assert said(source) == expected
