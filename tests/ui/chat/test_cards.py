"""Answers as cards, and what the notes cover."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import regex

from assistant.answering.answer import Answer, DocumentRef, FoundPassage, Highlight, SectionRef
from assistant.answering.messages import program_message
from index.language import Language
from index.markdown.notes import Document
from index.markdown.sections import parse
from index.storage.contents import Notes, document_record, notes_of
from ui.chat.cards import answer_card, notice_card, topics, turn, welcome

SOURCE = (Path(__file__).parents[3] / "corpus" / "docker.md").read_text()
TEXT = "앞 문장이다. **답이** 되는 문장이다. 뒤 문장이다."
QUOTE = "**답이** 되는 문장이다."
ASKED = "질문"


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


def read(card: str) -> str:
    """Return a card without its tags, as it is read, but for what it marks."""
    return regex.sub(r"<(?!/?mark)[^>]*>", "", card)


def test_the_answer_comes_first_and_then_its_place() -> None:
    card = answer_card(answer(passage()), ASKED)
    quote = card.index("<mark><strong>답이</strong> 되는 문장이다.</mark>")
    rest = card.index("앞 문장이다.")
    place = card.index("노트 제목 › 섹션")
    link = card.index('href="/notes/docker#section-1:~:text=words" target="_blank" rel="noopener')
    assert quote < rest < place < link
    assert "노트에서 보기" in card
    assert "Open in the notes" in card


def test_at_most_two_more_are_named_in_a_line_each() -> None:
    others = [passage(rank, f"다른 섹션 {rank}") for rank in (2, 3, 4)]
    card = answer_card(answer(passage(), *others), ASKED)
    also = card[card.index("함께 보기") :]
    assert also.count("<li") == 2
    for rank in (2, 3):
        assert f'href="/notes/docker#section-{rank}:~:text=words"' in also
        assert f"다른 섹션 {rank}" in also
    assert "<q><strong>답이</strong> 되는 문장이다.</q>" in also
    assert "함께 보기" not in answer_card(answer(passage()), ASKED)


def test_a_passage_that_is_its_answer_is_shown_once() -> None:
    card = read(answer_card(answer(passage(text=f"- {QUOTE}")), ASKED))
    assert card.count("되는 문장이다.") == 1


def test_the_first_highlight_leads_alone_and_the_others_are_marked() -> None:
    last = TEXT.index("뒤 문장이다.")
    several = replace(
        passage(), highlights=(*passage().highlights, Highlight(last, last + len("뒤 문장이다.")))
    )
    card = answer_card(answer(several), ASKED)
    quote, rest = card.split('<div class="note-passage"', 1)
    assert "<mark><strong>답이</strong> 되는 문장이다.</mark>" in quote
    assert "뒤 문장이다." not in quote
    assert "<mark>뒤 문장이다.</mark>" in rest


def test_a_passage_of_answers_alone_still_shows_them_all() -> None:
    both = "첫째 답이다. 둘째 답이다."
    spans = (Highlight(8, 15), Highlight(0, 7))
    card = read(answer_card(answer(replace(passage(), text=both, highlights=spans)), ASKED))
    assert card.count("첫째 답이다.") == 1
    assert card.count("둘째 답이다.") == 2
    assert card.index("<mark>둘째 답이다.</mark>") < card.index("<mark>첫째 답이다.</mark>")


@pytest.mark.parametrize("spoken", ["ko", "en"])
def test_a_doubtful_answer_says_so(spoken: Language) -> None:
    card = answer_card(replace(answer(passage()), grade="may_answer"), ASKED)
    caveat = program_message("may_answer", spoken)
    assert card.index(caveat) < card.index("<mark>")
    assert caveat not in answer_card(answer(passage()), ASKED)


def test_not_covered_names_the_closest_section_and_quotes_nothing() -> None:
    lost = replace(answer(), message="노트에는 이 내용이 없어요.", closest=passage())
    card = answer_card(lost, ASKED)
    assert "노트에는 이 내용이 없어요." in card
    assert 'href="/notes/docker#section-1:~:text=words"' in card
    assert "가장 가까운 섹션" in card
    assert "문장이다" not in card
    assert program_message("not_covered", "en") in card


def test_without_a_closest_section_the_message_stands_alone() -> None:
    card = answer_card(replace(answer(), message="안녕하세요! 볼륨, 이미지"), ASKED)
    assert "안녕하세요! 볼륨, 이미지" in card
    for absent in ("가장 가까운", "<a ", "<button", program_message("not_covered", "ko")):
        assert absent not in card


def test_what_was_searched_is_shown_where_it_is_not_what_was_asked() -> None:
    mended = replace(answer(passage()), query="도커 <b>", corrected_from="ehzj")
    assert "‘도커 &lt;b&gt;’로 찾은" in answer_card(mended, "ehzj <b>")
    lost = replace(answer(), query="도커 <b>", corrected_from="ehzj", closest=passage())
    assert "‘도커 &lt;b&gt;’로 찾은" in answer_card(lost, "ehzj <b>")
    followed = replace(answer(passage()), query="볼륨이 뭐야? 어디에 저장돼?")
    assert "‘볼륨이 뭐야? 어디에 저장돼?’로 찾은" in answer_card(followed, "어디에 저장돼?")
    as_asked = replace(answer(passage()), query="어디에 저장돼?")
    assert "로 찾은" not in answer_card(as_asked, "  어디에\n 저장돼? ")


def test_numbers_and_names_of_machinery_are_not_shown() -> None:
    card = read(answer_card(answer(passage(), passage(2)), ASKED))
    for hidden in ("0.87", "0.98", "id-of-answer", "version-1", "docker.md"):
        assert hidden not in card


def test_texts_of_others_are_escaped() -> None:
    evil = '"><script>alert(1)</script>'
    first = replace(passage(title=evil), highlight_url=f"/notes/{evil}", url=f"/notes/{evil}")
    cards = [
        answer_card(answer(first, first), ASKED),
        answer_card(replace(answer(), message=evil, closest=first), ASKED),
        answer_card(replace(answer(first), query=evil, corrected_from=evil), ASKED),
        answer_card(answer(passage(text=f"{evil} {QUOTE}")), ASKED),
        notice_card({"ko": evil, "en": evil}),
        turn(evil, ""),
        answer_card(answer(passage()), evil, [evil], contact=evil),
    ]
    for card in cards:
        assert "<script" not in card
        assert 'href="/notes/">' not in card


def notes(source: str = SOURCE) -> Notes:
    parsed = parse(source, "docker")
    document = Document(
        "docker", "default", "docker.md", parsed.title, "", "ko", (), source, parsed.sections
    )
    places = np.zeros((0, 3), np.int32)
    return notes_of([document_record(document)], (), places, np.array([True]))


def test_welcome_shows_the_sections_that_hold_text() -> None:
    page = welcome(notes(), [("볼륨이란?", "ko")])
    assert "Docker 학습 노트" in page
    assert "노트에 적힌 문장으로만 답합니다. 지어내지 않습니다." in page
    assert page.count("<li") == 6
    assert 'href="/notes/docker#데이터-영속성-volumes"' in page
    assert "Docker(도커)는 애플리케이션을" in page
    assert "Table of Contents" not in page
    assert topics(notes())[1] == "Image vs Container"


def test_welcome_shows_at_most_twelve_sections() -> None:
    many = "".join(f"## <i>{number}\n\ntext {number}\n\n" for number in range(20))
    page = welcome(notes(many), [])
    assert page.count("<li") == 12
    assert "<i>" not in page
    assert "Answers only with sentences written in the notes." in page
