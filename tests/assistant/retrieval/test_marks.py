"""Which lines are marked: labels say nothing by themselves, examples are code."""

import numpy as np
import pytest

from assistant.retrieval.marks import labels, marked, shares
from index.markdown.notes import Document, Line
from index.markdown.passage_splitting import passages
from index.markdown.sections import parse

SOURCE = """# 배

- **주요 부품**
  - 돛: 바람을 받는다
  - 닻은 배를 멈춘다.
- 배는 물에 뜬다.
  - 그래서 가볍게 만든다.
- **예시**

  ```sh
  sail --north
  ```

끝으로 노를 젓는다.
"""


@pytest.fixture(scope="module")
def lines() -> tuple[Line, ...]:
    parsed = parse(SOURCE, "boat")
    document = Document(
        "boat", "notes", "boat.md", "배", "", "ko", (), SOURCE, tuple(parsed.sections)
    )
    (passage,) = passages(document, 0, 1000, lambda texts: [1] * len(texts))
    return passage.lines


def of(lines: tuple[Line, ...], text: str) -> int:
    return next(number for number, line in enumerate(lines) if text in line.plain)


def test_labels_name_what_stands_under_them(lines: tuple[Line, ...]) -> None:
    found = labels(lines, SOURCE)
    assert found == {
        of(lines, "주요"): [of(lines, "돛"), of(lines, "닻")],
        of(lines, "예시"): [of(lines, "sail")],
    }


def test_a_label_s_share_goes_to_the_lines_under_it(lines: tuple[Line, ...]) -> None:
    logits = np.full(len(lines), -9, np.float32)
    logits[of(lines, "주요")], logits[of(lines, "닻")] = 5, 1
    found = shares(lines, SOURCE, logits, "부품이 뭐야?")
    assert found.sum() == pytest.approx(1)
    assert found[of(lines, "주요")] == 0
    assert marked(found) == (of(lines, "닻"),)


def test_a_sentence_with_lines_under_it_stays(lines: tuple[Line, ...]) -> None:
    logits = np.zeros(len(lines), np.float32)
    logits[of(lines, "뜬다")] = 6
    assert marked(shares(lines, SOURCE, logits, "배는 왜 떠?"))[0] == of(lines, "뜬다")


@pytest.mark.parametrize("question", ["예시 보여줘", "an example, please", "샘플 코드"])
def test_an_example_is_code(lines: tuple[Line, ...], question: str) -> None:
    logits = np.zeros(len(lines), np.float32)
    logits[of(lines, "노를")] = 2
    assert marked(shares(lines, SOURCE, logits, question))[0] == of(lines, "sail")
    assert marked(shares(lines, SOURCE, logits, "노는 왜 저어?"))[0] == of(lines, "노를")


def test_at_most_three_are_marked_and_none_far_less_likely() -> None:
    assert marked(np.array([0.3, 0.2, 0.25, 0.25])) == (0, 2, 3)
    assert marked(np.array([0.9, 0.1])) == (0,)
