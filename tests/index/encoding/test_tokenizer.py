"""The ONNX engine's tokenizer finds the same tokens and offsets as the library `tokenizers`."""

import json
import sys
import unicodedata
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import marisa_trie
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from index.encoding.model import container, model_files, pieces
from index.encoding.model.export import ensure
from index.encoding.model.tokenizer import build
from index.encoding.unigram import SPECIALS, UnigramTokenizer

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = settings(max_examples=300, deadline=None, derandomize=True)

HARD = {
    "nothing": ["", " ", "   ", "\x01", "\x01 \x02", "\u200b\ufeff\x7f"],
    "spaces": ["  앞뒤  공백\t과\n\n줄바꿈  ", "a\u00a0 \u3000b", "▁ ▁a▁▁b", "a \x01 b"],
    "emoji": ["👨‍👩‍👧 🐳🚢", "❤️ 🏳️‍🌈 🇰🇷", "1️⃣2️⃣"],
    "one character of many": ["\ufdfa" * 10, "x\ufdfa\u3316y", "① ㎏ ﬁ Ａ ㈜ … ½ ²"],
    "half and full width": ["ｶﾞｷﾞﾊﾟ ﾃﾞｰﾀ", "Ｄｏｃｋｅｒ　Ｖｏｌｕｍｅ", "ﾡﾢ￦"],
    "marks": ["e\u0301\u0316 q\u0316\u0301", "\u0301a \u0301", "\u0344\u0345\u0334\u0f73\u0f71"],
    "decomposed": [unicodedata.normalize("NFD", "컨테이너 값 Ǖ"), "가\u11a8 \u1100\u1161\u1161"],
    "scripts": ["สวัสดีครับ", "مرحبا بالعالم", "नमस्ते क़", "ཀྵ", "Ελληνικά ᾳ", "שּׁ"],
    "unknown": ["𓀀𓀁 𓀂a𓀃", "\ue000\ue001", "가\U0010fffd나", "𒀀▁𒀁"],
    "newer than Unicode 9": ["㋿ \U00010781", "\U00011935\U00011930", "a\u1dfa\u0301\u09fe\u09bc"],
    "specials": [" ".join(SPECIALS), "a<s>b", "</s></s>", "＜s＞ ＜unk＞𓀀", "<mask", "<S>"],
    "ties": ["-" * 37, "=" * 80, "ㅋ" * 41, "ㅎㅋ" * 30, "0.1.0.1", "_" * 33, "a1b2" * 25],
    "long": ["x" * 9000, "한" * 3000, "볼륨은 호스트에 있다. " * 200, "e\u0301" * 300],
}  # fmt: skip


@pytest.fixture(scope="module")
def ours(models_dir: Path) -> UnigramTokenizer:
    return UnigramTokenizer(ensure("onnx", models_dir) / model_files.PIECES)


@pytest.fixture(scope="module")
def reference() -> Any:
    packed = container.read(container.FILE.locate())
    return build(packed.vocabulary, packed.sizes.positions)


def differing(ours: UnigramTokenizer, reference: Any, texts: Iterable[str]) -> list[str]:
    """Return the texts whose tokens are not the same."""
    return [text for text in texts if not same(ours, reference, text)]


def same(ours: UnigramTokenizer, reference: Any, text: str) -> bool:
    found, expected = ours.encode(text), reference.encode(text)
    bare = reference.encode(text, add_special_tokens=False)
    return (
        found.ids == expected.ids
        and found.offsets == expected.offsets
        and found.special_tokens_mask == expected.special_tokens_mask
        and ours.count(text) == sum(len(part.ids) for part in (bare, *bare.overflowing))
    )


class TestEqualToTheReference:
    def test_notes_and_questions(self, ours: UnigramTokenizer, reference: Any) -> None:
        notes = (ROOT / "corpus" / "docker.md").read_text(encoding="utf-8")
        questions = (ROOT / "benchmarks" / "questions" / "docker.jsonl").read_text("utf-8")
        texts = [str(json.loads(line)) for line in questions.splitlines()]
        texts += [*notes.splitlines(), *notes.split("\n\n"), notes]
        assert differing(ours, reference, texts) == []

    @pytest.mark.parametrize("name", HARD)
    def test_hard_texts(self, ours: UnigramTokenizer, reference: Any, name: str) -> None:
        assert differing(ours, reference, HARD[name]) == []

    def test_every_character_that_unicode_changes(
        self, ours: UnigramTokenizer, reference: Any
    ) -> None:
        characters = [
            chr(code)
            for code in range(sys.maxunicode + 1)
            if unicodedata.decomposition(chr(code)) or unicodedata.combining(chr(code))
        ]
        texts = [f"a{one}\u0301" for one in characters if one < "\uac00" or one > "\ud7ff"]
        assert len(texts) > 6000
        assert differing(ours, reference, texts) == []

    @SETTINGS
    @given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
    @example("\u0f73\u0301\u0344")
    def test_any_text(self, ours: UnigramTokenizer, reference: Any, text: str) -> None:
        assert same(ours, reference, text)

    @SETTINGS
    @given(
        text=st.text(st.sampled_from("a가e\u0301\u0316\u0345\u1161\u11a8ﬁ㎏\u0344 \n\x01\u200b"))
    )
    def test_marks_blanks_and_what_joins(
        self, ours: UnigramTokenizer, reference: Any, text: str
    ) -> None:
        assert same(ours, reference, text)

    @SETTINGS
    @given(text=st.text(st.sampled_from("ab01-.=_ㅋ ▁"), max_size=120))
    def test_words_of_few_letters(self, ours: UnigramTokenizer, reference: Any, text: str) -> None:
        assert same(ours, reference, text)

    @SETTINGS
    @given(
        parts=st.lists(
            st.sampled_from([*SPECIALS, "＜s＞", "<", "s>", " ", "𓀀", "도커"]), max_size=8
        )
    )
    def test_special_words_in_the_text(
        self, ours: UnigramTokenizer, reference: Any, parts: list[str]
    ) -> None:
        assert same(ours, reference, "".join(parts))


class TestUnigramTokenizer:
    def test_every_piece_has_its_id_and_score(self, tmp_path: Path) -> None:
        vocabulary = container.read(container.FILE.locate()).vocabulary
        pieces.write(vocabulary, 8, tmp_path / model_files.PIECES)
        trie = marisa_trie.Trie()
        with np.load(tmp_path / model_files.PIECES) as stored:
            trie.frombytes(stored["trie"].tobytes())
            keys = [trie[piece] for piece in vocabulary.pieces]
            assert stored["ids"][keys].tolist() == list(range(len(keys)))
            assert np.array_equal(stored["scores"][keys], vocabulary.scores)

    def test_cuts_at_the_limit_and_counts_beyond(self, ours: UnigramTokenizer) -> None:
        found = ours.encode("도커 " * 600)
        assert len(found.ids) == len(found.offsets) == len(found.special_tokens_mask) == 512
        assert ours.count("도커 " * 600) > 600

    def test_many_threads_ask_at_once(self, ours: UnigramTokenizer) -> None:
        texts = [text for group in HARD.values() for text in group] * 4
        expected = [ours.encode(text) for text in texts]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ours.encode, texts)) == expected

    def test_damaged_file_is_refused(self, tmp_path: Path, models_dir: Path) -> None:
        data = bytearray((ensure("onnx", models_dir) / model_files.PIECES).read_bytes())
        data[len(data) // 2] ^= 1
        (tmp_path / model_files.PIECES).write_bytes(data)
        with pytest.raises(Exception, match="CRC"):
            UnigramTokenizer(tmp_path / model_files.PIECES)
