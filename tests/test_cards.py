"""Answers as cards, and what the notes cover."""

from dataclasses import replace
from pathlib import Path

import pytest

from assistant.answer import Answer, DocumentRef, FoundPassage, Highlight, SectionRef
from assistant.messages import message
from index.contents import Notes
from index.language import Language
from index.notes import Document
from index.sections import parse
from ui.cards import answer_card, notice_card, topics, welcome

SOURCE = (Path(__file__).parents[1] / "corpus" / "docker.md").read_text()
TEXT = "앞 문장이다. **답이** 되는 문장이다. 뒤 문장이다."
QUOTE = "**답이** 되는 문장이다."


def passage(
    rank: int = 1, title: str = "섹션", text: str = TEXT, quote: str = QUOTE
) -> FoundPassage:
    start = text.index(quote)
    url = f"/notes/docker#section-{rank}"
    return FoundPassage(
        rank=rank,
        score=0.87654,
        text=text,
        highlights=(Highlight(start, start + len(quote)),),
        line=7,
        section=SectionRef(title, ("노트 제목", title), f"section-{rank}", 2),
        document=DocumentRef("docker", "노트 제목", "default", "ko", "docker.md"),
        damaged=False,
        url=url,
        highlight_url=f"{url}:~:text=words",
    )


def answer(*passages: FoundPassage) -> Answer:
    return Answer(
        id="id-of-answer",
        status="answered" if passages else "not_covered",
        grade="answers" if passages else "not_covered",
        confidence=0.98765,
        message=None,
        language="ko",
        query="질문",
        corrected_from=None,
        index_version="version-1",
        took_ms=1.0,
        passages=passages,
        closest=None,
    )


def test_the_answer_comes_first_and_then_its_place() -> None:
    card = answer_card(answer(passage()), "ko")
    quote = card.index("<mark><strong>답이</strong> 되는 문장이다.</mark>")
    rest = card.index("앞 문장이다.")
    place = card.index("노트 제목 › 섹션")
    link = card.index('href="/notes/docker#section-1:~:text=words" target="_blank" rel="noopener')
    assert quote < rest < place < link
    assert "노트에서 보기" in card
    assert "Open in the notes" in answer_card(answer(passage()), "en")


def test_at_most_two_more_are_named_in_a_line_each() -> None:
    others = [passage(rank, f"다른 섹션 {rank}") for rank in (2, 3, 4)]
    card = answer_card(answer(passage(), *others), "ko")
    also = card[card.index("함께 보기") :]
    assert also.count("<li") == 2
    for rank in (2, 3):
        assert f'href="/notes/docker#section-{rank}:~:text=words"' in also
        assert f"다른 섹션 {rank}" in also
    assert "<q><strong>답이</strong> 되는 문장이다.</q>" in also
    assert "함께 보기" not in answer_card(answer(passage()), "ko")


def test_a_passage_that_is_its_answer_is_shown_once() -> None:
    card = answer_card(answer(passage(text=f"- {QUOTE}")), "ko")
    assert card.count("되는 문장이다.") == 1


def test_the_first_highlight_leads_alone_and_the_others_are_marked() -> None:
    last = TEXT.index("뒤 문장이다.")
    several = replace(
        passage(), highlights=(*passage().highlights, Highlight(last, last + len("뒤 문장이다.")))
    )
    card = answer_card(answer(several), "ko")
    quote, rest = card.split("</p>", 1)
    assert "<mark><strong>답이</strong> 되는 문장이다.</mark>" in quote
    assert "뒤 문장이다." not in quote
    assert "<mark>뒤 문장이다.</mark>" in rest


def test_a_passage_of_answers_alone_still_shows_them_all() -> None:
    both = "첫째 답이다. 둘째 답이다."
    spans = (Highlight(8, 15), Highlight(0, 7))
    card = answer_card(answer(replace(passage(), text=both, highlights=spans)), "ko")
    assert card.count("첫째 답이다.") == 1
    assert card.count("둘째 답이다.") == 2
    assert card.index("<mark>둘째 답이다.</mark>") < card.index("<mark>첫째 답이다.</mark>")


@pytest.mark.parametrize("spoken", ["ko", "en"])
def test_a_doubtful_answer_says_so(spoken: Language) -> None:
    doubtful = replace(answer(passage()), grade="may_answer")
    caveat = message("may_answer", spoken)
    assert caveat in answer_card(doubtful, spoken)
    assert answer_card(doubtful, spoken).index(caveat) < answer_card(doubtful, spoken).index(
        "<mark>"
    )
    assert caveat not in answer_card(answer(passage()), spoken)


def test_not_covered_names_the_closest_section_and_quotes_nothing() -> None:
    lost = replace(answer(), message="노트에는 이 내용이 없어요.", closest=passage())
    card = answer_card(lost, "ko")
    assert "노트에는 이 내용이 없어요." in card
    assert 'href="/notes/docker#section-1:~:text=words"' in card
    assert "가장 가까운 섹션" in card
    assert "문장이다" not in card
    assert "가장 가까운" not in answer_card(answer(), "ko")
    assert message("not_covered", "en") in answer_card(answer(), "en")


def test_a_mended_question_is_shown() -> None:
    mended = replace(answer(passage()), query="도커 <b>", corrected_from="ehzj")
    assert "도커 &lt;b&gt;" in answer_card(mended, "ko")
    lost = replace(answer(), query="도커 <b>", corrected_from="ehzj")
    assert "도커 &lt;b&gt;" in answer_card(lost, "ko")


def test_numbers_and_names_of_machinery_are_not_shown() -> None:
    card = answer_card(answer(passage(), passage(2)), "ko")
    for hidden in ("0.87", "0.98", "id-of-answer", "version-1", "docker.md"):
        assert hidden not in card


def test_texts_of_others_are_escaped() -> None:
    evil = '"><script>alert(1)</script>'
    first = replace(passage(title=evil), highlight_url=f"/notes/{evil}", url=f"/notes/{evil}")
    cards = [
        answer_card(answer(first, first), "ko"),
        answer_card(replace(answer(), message=evil, closest=first), "ko"),
        answer_card(replace(answer(first), query=evil, corrected_from=evil), "en"),
        answer_card(answer(passage(text=f"{evil} {QUOTE}")), "ko"),
        notice_card(evil),
    ]
    for card in cards:
        assert "<script" not in card
        assert 'href="/notes/">' not in card


def notes(source: str = SOURCE) -> Notes:
    parsed = parse(source, "docker")
    document = Document(
        "docker", "default", "docker.md", parsed.title, "", "ko", (), source, parsed.sections
    )
    return Notes((document,), ())


def test_welcome_shows_the_sections_that_hold_text() -> None:
    page = welcome(notes(), "ko")
    assert "Docker 학습 노트" in page
    assert "노트에 적힌 문장으로만 답합니다. 지어내지 않습니다." in page
    assert page.count("<li") == 6
    assert 'href="/notes/docker#데이터-영속성-volumes"' in page
    assert "Docker(도커)는 애플리케이션을" in page
    assert "Table of Contents" not in page
    assert topics(notes())[1] == "Image vs Container"


def test_welcome_shows_at_most_twelve_sections() -> None:
    many = "".join(f"## <i>{number}\n\ntext {number}\n\n" for number in range(20))
    page = welcome(notes(many), "en")
    assert page.count("<li") == 12
    assert "<i>" not in page
    assert "Answers only with sentences written in the notes." in page
