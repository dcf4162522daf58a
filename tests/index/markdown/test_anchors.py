"""Anchors are the fragments that GitHub gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.markdown.commonmark import heading_anchors, parser
from index.markdown.dialects.anchors import slug, unique


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Image vs Container", "image-vs-container"),
        ("📝Docker란 무엇인가?", "docker란-무엇인가"),
        ("📝데이터 영속성 (Volumes)", "데이터-영속성-volumes"),
        ("목차 (Table of Contents)", "목차-table-of-contents"),
        ("📝 emoji, then a space", "-emoji-then-a-space"),
        ("⚙️ Settings", "\ufe0f-settings"),
        ("`docker-compose.yml` 쓰기", "docker-composeyml-쓰기"),
        ("snake_case and `a_b`", "snake_case-and-a_b"),
        ("[A link](https://example.org/x) here", "a-link-here"),
        ("**Bold** and *thin* and ~~gone~~", "bold-and-thin-and-gone"),
        ("![alt text](a.png) after an image", "after-an-image"),
        ("<b>HTML</b> tags", "html-tags"),
        ("AT&amp;T &lt;tag&gt;", "att-tag"),
        ("C++ / C#", "c--c"),
        ("1. Numbers: 2.5%", "1-numbers-25"),
        ("two  spaces", "two--spaces"),
        ("dash – and — dash", "dash--and--dash"),
        ("Ünïcödé ÉCOLE", "ünïcödé-école"),
        ("日本語の見出し、です。", "日本語の見出しです"),
        ("हिन्दी", "हिन्दी"),
        ("x² and ½", "x-and-"),
        ("???", ""),
        ("", ""),
    ],
)
def test_one_heading(heading: str, anchor: str) -> None:
    assert heading_anchors(parser().parse(f"## {heading}\n")) == [anchor]


@pytest.mark.parametrize(
    ("headings", "anchors"),
    [
        (["a", "a", "a"], ["a", "a-1", "a-2"]),
        (["a", "a-1", "a"], ["a", "a-1", "a-2"]),
        (["a", "a", "a-1"], ["a", "a-1", "a-1-1"]),
        (["예시", "예시?", "예시"], ["예시", "예시-1", "예시-2"]),
        (["", "", "?"], ["", "-1", "-2"]),
    ],
)
def test_repeated_headings(headings: list[str], anchors: list[str]) -> None:
    assert list(unique(slug(heading) for heading in headings)) == anchors
    source = "\n\n".join(f"## {heading}" for heading in headings)
    assert heading_anchors(parser().parse(source)) == anchors


def test_headings_in_quotes_and_lists_are_counted_as_github_counts_them() -> None:
    assert heading_anchors(parser().parse("> # a\n\n- # a\n\n# a\n")) == ["a", "a-1", "a-2"]


@given(st.lists(st.text(alphabet="aA-1 가?📝", max_size=5)))
def test_anchors_never_repeat(headings: list[str]) -> None:
    anchors = list(unique(slug(heading) for heading in headings))
    assert len(set(anchors)) == len(anchors) == len(headings)
