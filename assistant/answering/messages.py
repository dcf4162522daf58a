"""The few sentences that the program itself writes, in Korean and English."""

from collections.abc import Sequence
from typing import Literal

from assistant.answering.answer import Grade
from index.language import Language

Message = Literal[
    "empty",
    "too_long",
    "no_words",
    "not_covered",
    "missing",
    "may_answer",
    "missing_near",
    "greeting",
    "goodbye",
    "thanks",
    "capability",
    "gibberish",
]
_SUBJECTS = 6

_MESSAGES: dict[Message, dict[Language, str]] = {
    "empty": {
        "ko": "궁금한 것을 적어 주세요. 노트에서 찾아 드릴게요.",
        "en": "Write what you would like to know, and it will be looked up in the notes.",
    },
    "too_long": {
        "ko": "질문이 너무 길어요. 2,000자 안에서 한두 문장으로 물어봐 주세요.",
        "en": "That question is too long. Ask in one or two sentences, within 2,000 characters.",
    },
    "no_words": {
        "ko": "질문에서 글자를 찾지 못했어요. 궁금한 것을 글로 적어 주세요.",
        "en": "There are no words in that question. Please write what you would like to know.",
    },
    "not_covered": {
        "ko": "노트에는 이 내용이 없어요.",
        "en": "The notes do not cover this.",
    },
    "missing": {
        "ko": "노트에 {names} 나오지 않아요.",
        "en": "The notes do not mention {names}.",
    },
    "missing_near": {
        "ko": "노트에 {names} 나오지 않아요. 가장 가까운 내용이에요.",
        "en": "The notes do not mention {names}. This is the closest they have.",
    },
    "may_answer": {
        "ko": "정확한 답이 아닐 수 있어요. 가장 가까운 내용입니다.",
        "en": "This may not be the exact answer. It is the closest the notes have.",
    },
    "greeting": {
        "ko": "안녕하세요! 노트에서 답을 찾아 드려요. 이런 내용이 있어요: {subjects}",
        "en": "Hello! Ask, and it will be looked up in the notes. They cover: {subjects}",
    },
    "goodbye": {
        "ko": "네, 또 궁금한 것이 생기면 물어봐 주세요. 노트에 있는 내용: {subjects}",
        "en": "Goodbye. Come back whenever you have a question. The notes cover: {subjects}",
    },
    "thanks": {
        "ko": "네! 더 궁금한 것이 있으면 물어봐 주세요. 노트에 있는 내용: {subjects}",
        "en": "You are welcome. Ask on if you like. The notes cover: {subjects}",
    },
    "capability": {
        "ko": "노트에 적힌 문장으로만 답하고 지어내지 않아요. 물어볼 수 있는 내용: {subjects}",
        "en": "Answers come from the notes, word for word; nothing is made up. "
        "You can ask about: {subjects}",
    },
    "gibberish": {
        "ko": "질문을 알아듣지 못했어요. 노트에는 이런 내용이 있어요: {subjects}",
        "en": "That could not be read as a question. The notes cover: {subjects}",
    },
}


def program_message(
    name: Message, language: Language, subjects: Sequence[str] = (), missing: Sequence[str] = ()
) -> str:
    """Return the message of this name in the language, with subjects and names filled in.

    subjects: titles of sections or documents of the notes. missing: names that the notes never
    mention.
    """
    shown = ", ".join(subjects[:_SUBJECTS]) + (" …" if len(subjects) > _SUBJECTS else "")
    names = ", ".join(f"‘{each}’" for each in missing)
    if missing and language == "ko":
        names += _topic(missing[-1])
    return _MESSAGES[name][language].format(subjects=shown, names=names)


def caveat(grade: Grade, language: Language, missing: Sequence[str]) -> str:
    """Return the warning shown beside passages that may not answer.

    missing: names in the question that the notes never mention.
    """
    if grade == "not_covered":
        return program_message("missing" if missing else "not_covered", language, missing=missing)
    return program_message("missing_near" if missing else "may_answer", language, missing=missing)


def _topic(word: str) -> str:
    """Return the Korean topic particle for a word, chosen by its last sound: 은 or 는."""
    last = ord(word[-1])
    if not 0xAC00 <= last <= 0xD7A3:
        return "은(는)"
    return "은" if (last - 0xAC00) % 28 else "는"
