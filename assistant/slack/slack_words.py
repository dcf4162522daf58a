"""The app's own words in Slack, in Korean and English."""

from typing import Literal

from index.language import Language

Word = Literal[
    "also", "closest", "mended", "more", "searched", "yes", "no", "thanks", "unknown", "unkept",
    "limited", "failed",
]  # fmt: skip

_WORDS: dict[Word, dict[Language, str]] = {
    "also": {"ko": "함께 보기", "en": "See also"},
    "closest": {"ko": "가장 가까운 섹션:", "en": "The closest section:"},
    "mended": {
        "ko": "깨진 글자를 복원한 내용이에요.",
        "en": "Damaged characters were mended here.",
    },
    "more": {"ko": "더 보기", "en": "Read on"},
    "searched": {"ko": "‘{}’로 찾은 결과예요.", "en": "Showing results for “{}”."},
    "yes": {"ko": "👍 도움이 됐어요", "en": "👍 Helped"},
    "no": {"ko": "👎 아니에요", "en": "👎 Did not help"},
    "thanks": {"ko": "의견 고마워요.", "en": "Thank you, noted."},
    "unknown": {
        "ko": "오래된 답이라 의견을 남길 수 없어요.",
        "en": "That answer is too old to vote on.",
    },
    "unkept": {
        "ko": "지금은 의견을 남길 수 없어요. 잠시 뒤에 다시 눌러 주세요.",
        "en": "Your vote could not be kept. Please try again in a moment.",
    },
    "limited": {
        "ko": "이 워크스페이스에서 질문이 너무 많아요. {}초 뒤에 다시 물어봐 주세요.",
        "en": "This workspace has asked too much at once. Please ask again in {} seconds.",
    },
    "failed": {
        "ko": "지금은 노트를 찾아볼 수 없어요. 관리자가 서버의 로그를 봐야 해요.",
        "en": "The notes cannot be searched at the moment. The server's log says why.",
    },
}


def word(name: Word, language: Language, *values: object) -> str:
    """Return the text of this name in the language, with the values filled in."""
    return _WORDS[name][language].format(*values)
