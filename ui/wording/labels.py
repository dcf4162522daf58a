"""The labels of the chat page, in Korean and English."""

from html import escape

from index.language import Language

LANGUAGES: tuple[Language, ...] = ("ko", "en")

_LABELS: dict[str, dict[Language, str]] = {
    "promise": {
        "ko": "노트에 적힌 문장으로만 답합니다. 지어내지 않습니다.",
        "en": "Answers only with sentences written in the notes. Nothing is made up.",
    },
    "try": {"ko": "이렇게 물어보세요", "en": "Try asking"},
    "read": {"ko": "노트 읽기", "en": "Read the notes"},
    "chat-failed": {
        "ko": "채팅을 열 수 없어요. 서버 로그에 이유가 있어요. 노트는 읽을 수 있어요.",
        "en": "The chat cannot be opened: the server's log says why. The notes can be read.",
    },
    "away": {
        "ko": "지금은 찾을 수 없어요. 잠시 뒤에 다시 물어봐 주세요.",
        "en": "The search is away at the moment. Please ask again in a moment.",
    },
    "fresh": {"ko": "새 대화", "en": "New conversation"},
    "dark": {"ko": "밝게/어둡게", "en": "Light/dark"},
    "open": {"ko": "노트에서 보기", "en": "Open in the notes"},
    "more": {"ko": "앞뒤 내용 더 보기", "en": "Show all of it"},
    "also": {"ko": "함께 보기", "en": "See also"},
    "closest": {"ko": "가장 가까운 섹션:", "en": "The closest section:"},
    "contact": {"ko": "노트 작성자에게 알리기", "en": "Tell the notes' author"},
    "mended": {
        "ko": "깨진 글자를 복원한 내용이에요. 원문과 다를 수 있어요.",
        "en": "Damaged characters were mended here; they may differ from the original.",
    },
    "searched": {"ko": "‘{query}’로 찾은 결과예요.", "en": "Showing results for “{query}”."},
    "foreign": {
        "ko": "노트가 영어로 쓰여 있어 그대로 보여 드려요.",
        "en": "The notes are in Korean, and quoted as written.",
    },
    "copy": {"ko": "답 복사", "en": "Copy answer"},
    "share": {"ko": "링크 복사", "en": "Copy link"},
    "as-typed": {"ko": "그대로 찾기", "en": "Search as typed"},
    "helped": {"ko": "도움이 됐나요?", "en": "Did this help?"},
    "yes": {"ko": "👍 네", "en": "👍 Yes"},
    "no": {"ko": "👎 아니요", "en": "👎 No"},
    "reason-wrong": {"ko": "질문과 달라요", "en": "Not what I asked"},
    "reason-elsewhere": {"ko": "내용이 부족해요", "en": "Something is missing"},
    "reason-unclear": {"ko": "이해하기 어려워요", "en": "Hard to understand"},
    "thanks": {"ko": "의견 고마워요.", "en": "Thank you."},
    "next": {"ko": "이어서:", "en": "Ask next:"},
    "about": {
        "ko": "‘{title}’에 대해 물어보세요.",
        "en": "Ask about “{title}”.",
    },
}


def label(name: str, *languages: Language) -> str:
    """Return a label as HTML in both languages, or only in the named ones."""
    texts = _LABELS[name]
    return in_both_languages({key: texts[key] for key in languages or LANGUAGES})


def page_text(name: str) -> dict[Language, str]:
    """Return a label's text by language."""
    return _LABELS[name]


def in_both_languages(texts: dict[Language, str]) -> str:
    """Return the texts as HTML; a page shows only the text in the visitor's language."""
    return "".join(
        f'<span lang="{key}" class="own">{escape(text)}</span>' for key, text in texts.items()
    )
