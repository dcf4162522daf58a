"""The sentence-transformers engine with models other than the default one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.encoding.encoder import SENTENCE_COMPONENTS
from index.encoding.model import model_files
from index.encoding.torch_encoder import TorchEncoder, prompts_for
from index.errors import ModelError


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of another, very small model with random weights."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("models") / "tiny"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "docker", "volume", "도커"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    specials: dict[str, Any] = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]"}
    fast_class: Any = PreTrainedTokenizerFast
    fast = fast_class(
        tokenizer_object=tokenizer, sep_token="[SEP]", model_max_length=16, **specials
    )
    sizes: dict[str, Any] = {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 16}
    config = BertConfig(
        vocab_size=len(words), num_hidden_layers=1, max_position_embeddings=16, **sizes
    )
    BertModel(config).save_pretrained(folder / "bert")
    fast.save_pretrained(folder / "bert")
    parts: list[Any] = [Transformer(str(folder / "bert")), Pooling(8, "mean")]
    model = SentenceTransformer(modules=parts, prompts={"query": "volume ", "document": ""})
    model.save(str(folder / "whole"), create_model_card=False)
    return folder / "whole"


class TestTorchEncoder:
    def test_another_model(self, tiny_model: Path) -> None:
        encoder = TorchEncoder(tiny_model)
        weights = encoder.weights
        assert (weights.name, weights.dimension, weights.pooling) == ("whole", 8, "mean")
        assert (weights.query_prompt, weights.passage_prompt) == ("volume ", "")
        assert weights.fingerprint != model_files.MODEL.fingerprint
        (encoding,) = encoder.encode(["도커 docker"], "query")
        assert encoding.vector.shape == (8,)
        assert np.linalg.norm(encoding.vector) == pytest.approx(1, abs=1e-5)
        assert encoding.offsets.tolist() == [[-1, -1], [-1, -1], [0, 2], [3, 9], [-1, -1]]
        assert not encoding.sentence_embedding.any()
        assert (
            encoder.sentence_embeddings(["도커", "docker"]).tolist()
            == [[0] * SENTENCE_COMPONENTS] * 2
        )
        assert encoder.count_tokens(["도커 docker", "docker " * 40]) == [2, 40]
        (cut,) = encoder.encode(["docker " * 40], "query")
        assert len(cut.states) == 16

    def test_fingerprint_follows_the_files(self, tiny_model: Path) -> None:
        first = TorchEncoder(str(tiny_model)).weights
        assert TorchEncoder(tiny_model).weights == first
        config = tiny_model / "config.json"
        before = config.read_text()
        config.write_text(json.dumps(json.loads(before) | {"layer_norm_eps": 1e-5}))
        try:
            assert TorchEncoder(tiny_model).weights.fingerprint != first.fingerprint
        finally:
            config.write_text(before)

    def test_hub_name_that_is_not_to_be_had_is_refused(self) -> None:
        with pytest.raises(ModelError, match=r"nobody/nothing .* name a local folder"):
            TorchEncoder("nobody/nothing")

    def test_missing_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="no folder"):
            TorchEncoder(tmp_path / "nothing")

    def test_folder_of_something_else_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text("{}")
        with pytest.raises(ModelError, match="cannot be loaded"):
            TorchEncoder(tmp_path)

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("intfloat/multilingual-e5-large", ("query: ", "passage: ")),
            ("intfloat/multilingual-e5-large-instruct", ("", "")),
            ("BAAI/bge-m3", ("", "")),
        ],
    )
    def test_presets(self, name: str, expected: tuple[str, str]) -> None:
        assert prompts_for({}, name) == expected
        assert prompts_for({"query": "ask: "}, name) == ("ask: ", "")
