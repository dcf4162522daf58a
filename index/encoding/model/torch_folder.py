"""Writer of the default model as a standard SentenceTransformer folder in single precision."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from index.arrays import Floats
from index.encoding.model.container import Container, Sizes
from index.encoding.model.model_files import MODEL
from index.encoding.unigram import BOS, EOS, MASK, PAD, UNKNOWN

_LINEAR = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def write(container: Container, folder: Path) -> None:
    """Write all files of the folder except `tokenizer.json`."""
    for name, value in _configuration(container).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value, indent=2), encoding="utf-8")
    (folder / "2_Normalize").mkdir()
    _save(_tensors(container), folder / "model.safetensors")
    # The library lets nobody else read its file.
    shutil.copymode(folder / "config.json", folder / "model.safetensors")


def _save(tensors: dict[str, Floats], path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    try:
        save_file(tensors, path, metadata={"format": "pt"})
    except SafetensorError as error:
        raise OSError(str(error)) from error


def _tensors(container: Container) -> dict[str, Floats]:
    """Return the weights under the names of transformers' `BertModel`."""
    hidden = container.sizes.hidden
    floats, dequantise = container.floats, container.dequantise
    tensors = {
        "embeddings.word_embeddings.weight": dequantise("emb.word").reshape(-1, hidden),
        "embeddings.position_embeddings.weight": floats("emb.pos").reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": floats("emb.type").reshape(-1, hidden),
        "embeddings.LayerNorm.weight": floats("emb.ln.w"),
        "embeddings.LayerNorm.bias": floats("emb.ln.b"),
        # Never used, but where they are missing the loader warns of random weights.
        "pooler.dense.weight": np.zeros((hidden, hidden), dtype=np.float32),
        "pooler.dense.bias": np.zeros(hidden, dtype=np.float32),
    }
    for layer in range(container.sizes.layers):
        theirs = f"encoder.layer.{layer}"
        for name, place in _LINEAR.items():
            bias = floats(f"l{layer}.{name}.b")
            weight = dequantise(f"l{layer}.{name}.w").reshape(len(bias), -1)
            tensors |= {f"{theirs}.{place}.weight": weight, f"{theirs}.{place}.bias": bias}
        for name, place in _NORMS.items():
            for ending, value in (("weight", "w"), ("bias", "b")):
                tensors[f"{theirs}.{place}.{ending}"] = floats(f"l{layer}.{name}.{value}")
    return tensors


def _configuration(container: Container) -> Mapping[str, Any]:
    sizes = container.sizes
    return {
        "config.json": _bert(sizes, container.vocabulary.pad),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": sizes.positions,
            "clean_up_tokenization_spaces": False,
            **_specials(),
        },
        "special_tokens_map.json": _specials(),
        "modules.json": [
            _module(0, "", "Transformer"),
            _module(1, "1_Pooling", "Pooling"),
            _module(2, "2_Normalize", "Normalize"),
        ],
        "sentence_bert_config.json": {"max_seq_length": sizes.positions, "do_lower_case": False},
        "1_Pooling/config.json": {
            "word_embedding_dimension": sizes.hidden,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
            "pooling_mode_max_tokens": False,
        },
        "config_sentence_transformers.json": {
            "prompts": {"query": MODEL.query_prompt, "passage": MODEL.passage_prompt},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }


def _bert(sizes: Sizes, pad: int) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": sizes.hidden,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "intermediate_size": sizes.intermediate,
        "vocab_size": sizes.vocabulary,
        "max_position_embeddings": sizes.positions,
        "type_vocab_size": sizes.types,
        "layer_norm_eps": sizes.epsilon,
        "hidden_act": "gelu",
        "pad_token_id": pad,
        "torch_dtype": "float32",
    }


def _specials() -> dict[str, str]:
    return {
        "bos_token": BOS,
        "cls_token": BOS,
        "eos_token": EOS,
        "sep_token": EOS,
        "pad_token": PAD,
        "unk_token": UNKNOWN,
        "mask_token": MASK,
    }


def _module(index: int, path: str, kind: str) -> dict[str, Any]:
    kinds = "sentence_transformers.models"
    return {"idx": index, "name": str(index), "path": path, "type": f"{kinds}.{kind}"}
