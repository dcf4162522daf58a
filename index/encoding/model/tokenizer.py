"""The default model's tokenizer for the library `tokenizers`, from the pieces in the container."""

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, processors
from tokenizers.pre_tokenizers import Metaspace

from index.encoding.model.container import PieceVocabulary
from index.encoding.unigram import BOS, EOS, SPECIALS


def build(vocabulary: PieceVocabulary, limit: int) -> Tokenizer:
    """Return the tokenizer, which cuts at `limit` tokens, including `<s>` and `</s>`."""
    scored = list(zip(vocabulary.pieces, vocabulary.scores.tolist(), strict=True))
    tokenizer = Tokenizer(models.Unigram(scored, vocabulary.unknown, False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = Metaspace("▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace("▁", prepend_scheme="always")
    tokenizer.add_special_tokens([AddedToken(word, normalized=False) for word in SPECIALS])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A {EOS}",
        pair=f"{BOS} $A {EOS} {EOS} $B {EOS}",
        special_tokens=[(BOS, vocabulary.bos), (EOS, vocabulary.eos)],
    )
    tokenizer.enable_truncation(limit)
    return tokenizer
