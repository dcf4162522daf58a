"""From a question to hits: each stage's score, the fusion of them, the lines that answer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pytest

from assistant.answering.ask import JUDGE, SMALLTALK, Assistant, Question, word_test
from assistant.calibration.calibrate import calibrate
from assistant.calibration.evaluate import NOTHING
from assistant.interpretation import smalltalk
from assistant.retrieval.judge import JUDGES, SIGNALS, Learned
from assistant.retrieval.marks import labels, marked, shares
from assistant.retrieval.passage_reader import CrossEncoderReader, Reader, reader_of
from assistant.retrieval.retrieve import FUSED, Fusion, Hit, Query, by_section, evidence, fuse
from index.building.index_build import Draft, build
from index.encoding.onnx_encoder import OnnxEncoder
from index.errors import IndexMismatch, ModelError
from index.markdown.passage_splitting import embedded_text, heading_path
from index.reading.corpus import read

CORPUS = Path(__file__).parents[3] / "corpus"
QUESTIONS = [
    "컨테이너를 지우면 데이터는 어떻게 되나요?",
    "docker compose는 왜 쓰나요?",
    "What is the difference between an image and a container?",
    "How do I roast a chicken?",
    "podman",
    "?a",
]
FUSIONS = [
    FUSED,
    replace(NOTHING, late=1),
    replace(NOTHING, lines=1),
    replace(NOTHING, dense=1),
    replace(NOTHING, lexical=1, lexical_across=0.25),
    replace(NOTHING, sentence_embedding=1, sentence_across=2),
    Fusion(
        late=0.7,
        lines=0.2,
        dense=0.4,
        lexical=0.9,
        lexical_across=0.3,
        sentence_embedding=0.2,
        contrast=0,
    ),
]
ODD = f"""# 🐳 항해 노트

첫 문장은 {normalize("NFD", "고래의 잠수에 관한 것")}이다. 둘째 문장은 cafe\u0301 이야기다 👨‍👩‍👧.

## 표

| 이름 | 뜻 |
|---|---|
| 등대 🗼 | 밤길을 밝히는 탑 |
| {normalize("NFD", "항구")} | 배가 쉬는 곳 |

## 명령

```sh
docker run --rm 🐳
docker ps
```

## 끝

- 👩‍🚀 우주로 간다.
- 바다로 **돌아온다**.
"""

# A judge that takes every question for answered: only the ranking is looked at here.
LENIENT = Learned((0.0,) * len(SIGNALS), 5.0, (0.5,), (True,), (True,))
RISK = 0.1

Opener = Callable[..., Assistant]


@pytest.fixture(scope="module")
def opened(onnx_encoder: OnnxEncoder, tmp_path_factory: pytest.TempPathFactory) -> Opener:
    """Return what builds an index over a folder and answers from it."""

    known = word_test(onnx_encoder)

    def build_and_open(folder: Path, reranker: Reader | None = None) -> Assistant:
        def prepare(draft: Draft) -> dict[str, bytes]:
            contents, bank = draft.contents, draft.bank
            judge = calibrate(contents, bank, known, LENIENT, reader_of(contents, reranker))
            return {
                JUDGE: JUDGES.dump_json(judge),
                SMALLTALK: smalltalk.prepare(contents, draft.kept.questions),
            }

        data_dir = tmp_path_factory.mktemp("data")
        collection = read({"notes": folder})
        snapshot = build(collection, data_dir, onnx_encoder, lambda _: None, prepare)
        link = "/notes/{document}#{anchor}"
        return Assistant(snapshot, onnx_encoder, link, "", RISK, reranker)

    return build_and_open


@pytest.fixture(scope="module")
def assistant(opened: Opener) -> Assistant:
    return opened(CORPUS)


@pytest.fixture(scope="module")
def odd(opened: Opener, tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    """Return an assistant over notes with emoji, decomposed letters, a table and code."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "odd.md").write_text(ODD, encoding="utf-8")
    return opened(folder)


def fused(assistant: Assistant, query: Query, fusion: Fusion) -> list[Hit]:
    contents = assistant.snapshot.contents
    return fuse(contents, query, evidence(contents, query), fusion)


@pytest.mark.parametrize("question", QUESTIONS)
class TestHits:
    def test_one_a_section_best_first(self, assistant: Assistant, question: str) -> None:
        hits = assistant.search(assistant.query(question)).hits
        passages = [assistant.snapshot.notes.passages[hit.passage] for hit in hits]
        sections = [(passage.document, passage.section) for passage in passages]
        assert len(set(sections)) == len(sections) == 6
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True)

    def test_the_best_of_a_section_stands_for_it(self, assistant: Assistant, question: str) -> None:
        hits = fused(assistant, assistant.query(question), FUSED)
        notes = assistant.snapshot.notes
        for kept in by_section(assistant.snapshot.contents, hits):
            section = notes.passages[kept.passage].section
            own = [hit.score for hit in hits if notes.passages[hit.passage].section == section]
            assert kept.score == max(own)

    def test_answers_are_lines_of_the_passage(self, assistant: Assistant, question: str) -> None:
        for hit in fused(assistant, assistant.query(question), FUSED):
            lines = assistant.snapshot.notes.passages[hit.passage].lines
            assert 1 <= len(hit.answers) <= 3
            assert len(set(hit.answers)) == len(hit.answers)
            assert set(hit.answers) <= set(range(len(lines)))

    @pytest.mark.parametrize("fusion", FUSIONS)
    def test_the_score_is_the_weighted_sum_of_the_stages(
        self, assistant: Assistant, question: str, fusion: Fusion
    ) -> None:
        query = assistant.query(question)
        documents = assistant.snapshot.notes.documents
        same_language = documents[0].language == query.language
        share = fusion.lexical if same_language else fusion.lexical_across
        about = fusion.sentence_embedding if same_language else fusion.sentence_across
        for hit in fused(assistant, query, fusion):
            expected = (
                fusion.late * hit.late
                + fusion.lines * hit.lines
                + fusion.dense * hit.dense
                + share * hit.lexical
                + about * hit.sentence_embedding
            )
            assert hit.score == pytest.approx(expected, abs=1e-5)

    def test_each_stage_is_what_it_says(self, assistant: Assistant, question: str) -> None:
        contents, query = assistant.snapshot.contents, assistant.query(question)
        everything = contents.vectors.matrix
        owners = contents.vectors.owners
        share = contents.lexical.share(query.words)
        centre = contents.general.vector_means[query.language]
        asked = query.encoding.vector - centre
        for hit in fused(assistant, query, FUSED):
            (whole, *lines) = everything[owners[:, 0] == hit.passage]
            centred = np.stack(lines) - contents.vectors.line_mean
            lengths = np.linalg.norm(centred, axis=1) * np.linalg.norm(asked)
            assert hit.dense == pytest.approx(float(whole @ query.encoding.vector), abs=1e-5)
            assert hit.lines == pytest.approx(float((centred @ asked / lengths).max()), abs=1e-5)
            assert hit.lexical == pytest.approx(float(share[hit.passage]))
            assert -1 <= hit.late <= 1.1
            passage = assistant.snapshot.notes.passages[hit.passage]
            document = assistant.snapshot.notes.documents[passage.document]
            texts = [embedded_text(document, passage), heading_path(document, passage), question]
            own, above, asked_about = assistant.encoder.sentence_embeddings(texts)
            about = (2 * own + above) / 3 @ asked_about
            assert hit.sentence_embedding == pytest.approx(float(about), abs=1e-3)

    def test_is_the_same_again(self, assistant: Assistant, question: str) -> None:
        query = assistant.query(question)
        assert fused(assistant, query, FUSED) == fused(assistant, query, FUSED)


def test_late_interaction_is_a_weighted_mean_of_the_best_cosines(assistant: Assistant) -> None:
    contents, query = assistant.snapshot.contents, assistant.query(QUESTIONS[0])
    found = evidence(contents, query)
    best = found.alignment.passages()
    found = replace(found, shares=np.full_like(found.shares, 1 / len(found.shares)))
    plain = fuse(contents, query, found, Fusion(contrast=0))
    assert {hit.passage: hit.late for hit in plain} == pytest.approx(
        dict(zip(found.passages.tolist(), best.mean(axis=1).tolist(), strict=True)), abs=1e-5
    )
    spread = np.maximum(best.max(axis=0) - best.mean(axis=0), 1e-3)
    weighted = (best * spread).sum(axis=1) / spread.sum()
    by_spread = fuse(contents, query, found, Fusion(contrast=1))
    assert {hit.passage: hit.late for hit in by_spread} == pytest.approx(
        dict(zip(found.passages.tolist(), weighted.tolist(), strict=True)), abs=1e-5
    )


def test_a_question_copied_from_a_line_puts_that_line_first(assistant: Assistant) -> None:
    notes = assistant.snapshot.notes
    source = notes.documents[0].source
    wrong = []
    for row, passage in enumerate(notes.passages):
        for number, line in enumerate(passage.lines):
            if number in labels(passage.lines, source):
                continue
            twin = sum(line.plain == other.plain for p in notes.passages for other in p.lines) > 1
            if twin or line.kind == "code" or len(line.plain) < 20:
                continue
            first = assistant.search(assistant.query(line.plain)).hits[0]
            if (first.passage, first.answers[0]) != (row, number):
                wrong.append(line.plain)
    assert wrong == []


class TestAnswer:
    def test_stages_are_explained_where_asked(self, assistant: Assistant) -> None:
        explained = assistant.ask(Question(QUESTIONS[0], limit=6, explain=True))
        hits = assistant.search(assistant.query(QUESTIONS[0])).hits
        assert len(explained.passages) == len(hits)
        for passage, hit in zip(explained.passages, hits, strict=True):
            assert passage.explanation
            for stage in ("late", "lines", "dense", "lexical"):
                told = getattr(passage.explanation, stage)
                assert told == pytest.approx(getattr(hit, stage), abs=1e-4)
            assert passage.explanation.gist == pytest.approx(hit.sentence_embedding, abs=1e-4)
            assert passage.explanation.reranked == hit.read

    def test_stages_are_not_explained_otherwise(self, assistant: Assistant) -> None:
        answer = assistant.ask(Question(QUESTIONS[0]))
        assert [passage.explanation for passage in answer.passages] == [None] * 3

    def test_the_other_keyboard_layout_is_mended_and_told(self, assistant: Assistant) -> None:
        answer = assistant.ask(Question("ehzj zjsxpdlsj"))
        assert (answer.query, answer.corrected_from) == ("도커 컨테이너", "ehzj zjsxpdlsj")
        asked = assistant.ask(Question("도커 컨테이너"))
        assert asked.corrected_from is None
        assert [passage.url for passage in answer.passages] == [p.url for p in asked.passages]


class TestOddNotes:
    @pytest.mark.parametrize(
        ("question", "marked"),
        [
            ("고래의 잠수", normalize("NFD", "고래의 잠수에 관한 것")),
            ("cafe 이야기", "둘째 문장은 cafe\u0301 이야기다 👨‍👩‍👧."),
            ("등대가 뭐야?", "| 등대 🗼 | 밤길을 밝히는 탑 |"),
            ("항구", f"| {normalize('NFD', '항구')} | 배가 쉬는 곳 |"),
            ("docker run", "docker run --rm 🐳"),
            ("docker ps", "docker ps"),
            ("우주로 가나?", "👩‍🚀 우주로 간다."),
            ("바다로 돌아온다", "바다로 **돌아온다**."),
        ],
    )
    def test_highlights_are_true_to_the_character(
        self, odd: Assistant, question: str, marked: str
    ) -> None:
        first = odd.ask(Question(question)).passages[0]
        assert first.text in ODD
        best = first.highlights[0]
        assert marked in first.text[best.start : best.end]
        assert marked in ODD.split("\n")[first.line - 1]
        lines = {
            first.text[span.start : span.end].strip() == first.text[span.start : span.end] != ""
            for span in first.highlights
        }
        assert lines == {True}

    def test_decomposed_words_are_found_as_words(self, odd: Assistant) -> None:
        contents = odd.snapshot.contents
        assert contents.lexical.frequency("항구") == contents.lexical.frequency("고래") == 1
        assert {"항구", "고래"} <= set(contents.vocabulary.hangul)

    def test_a_heading_longer_than_the_model_reads(self, opened: Opener, tmp_path: Path) -> None:
        (tmp_path / "long.md").write_text("# " + "아주 긴 제목 " * 300 + "\n\n짧은 문장이다.\n")
        (passage,) = opened(tmp_path).ask(Question("문장")).passages
        (span,) = passage.highlights
        assert passage.text[span.start : span.end] == "짧은 문장이다."

    def test_a_note_of_signs_alone_leaves_the_others_found(
        self, opened: Opener, tmp_path: Path
    ) -> None:
        (tmp_path / "….md").write_text("🐳\n")
        (tmp_path / "b.md").write_text("# 도커\n\n볼륨이다.\n")
        found = opened(tmp_path).ask(Question("도커 볼륨")).passages
        assert [passage.text for passage in found] == ["볼륨이다.", "🐳"]


@pytest.fixture(scope="module")
def tiny_reranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a very small cross-encoder with random weights."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("models") / "reranker"
    letters = sorted({c for c in (CORPUS / "docker.md").read_text() if not c.isspace()})
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{c}" for c in letters)]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    specials: dict[str, Any] = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]"}
    fast_class: Any = PreTrainedTokenizerFast
    fast = fast_class(
        tokenizer_object=tokenizer, sep_token="[SEP]", model_max_length=64, **specials
    )
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    one_score: dict[str, Any] = {"num_labels": 1}
    config = BertConfig(
        vocab_size=len(words),
        num_hidden_layers=1,
        max_position_embeddings=64,
        initializer_range=1.0,
        **sizes,
        **one_score,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


class TestReader:
    def test_what_is_read_has_a_verdict_and_the_lines_it_chose(self, assistant: Assistant) -> None:
        query = assistant.query(QUESTIONS[0])
        contents = assistant.snapshot.contents
        source = assistant.snapshot.notes.documents[0].source
        assert assistant.reader
        hits = [hit for hit in assistant.search(query).hits if hit.read is not None]
        passages = np.array([hit.passage for hit in hits], np.int32)
        read = assistant.reader.read(contents, query, passages, evidence(contents, query))
        for hit, verdict in zip(hits, read, strict=True):
            assert verdict.lines is not None
            assert hit.read == pytest.approx(verdict.answered, abs=1e-4)
            passage = contents.notes.passages[hit.passage]
            assert len(verdict.lines) == len(passage.lines)
            found = shares(passage.lines, source, verdict.lines, query.text)
            assert hit.answers == marked(found)
            assert 0 < hit.line_share <= 1

    def test_a_passage_alone_is_read_as_among_others(self, assistant: Assistant) -> None:
        query, contents = assistant.query(QUESTIONS[2]), assistant.snapshot.contents
        assert assistant.reader
        every = np.arange(len(contents.notes.passages), dtype=np.int32)
        found = evidence(contents, query)
        together = assistant.reader.read(contents, query, every, found)
        for number, verdict in zip(every, together, strict=True):
            one = np.array([number], np.int32)
            (alone,) = assistant.reader.read(contents, query, one, found)
            assert alone.answered == pytest.approx(verdict.answered, abs=1e-3)

    def test_a_very_long_question_is_read(self, assistant: Assistant) -> None:
        hits = assistant.search(assistant.query("컨테이너 " * 400)).hits
        assert all(np.isfinite(hit.read or 0.0) for hit in hits)


class TestReranker:
    def test_the_cross_encoder_orders_the_hits(
        self, opened: Opener, assistant: Assistant, tiny_reranker: Path
    ) -> None:
        reranker = CrossEncoderReader(str(tiny_reranker))
        second = opened(CORPUS, reranker)
        query = assistant.query(QUESTIONS[0])
        before, after = assistant.search(query).hits, second.search(query).hits
        scores = [hit.read for hit in after]
        assert None not in scores
        assert scores == sorted(scores, key=lambda score: -(score or 0))
        places = assistant.snapshot.notes.places
        sections = [{int(places[hit.passage, 1]) for hit in hits} for hits in (before, after)]
        assert sections[0] == sections[1]
        assert [hit.passage for hit in after] != [hit.passage for hit in before]
        contents = second.snapshot.contents
        chosen = np.array([hit.passage for hit in after], np.int32)
        read_alone = reranker.read(contents, query, chosen, evidence(contents, query))
        assert scores == pytest.approx([each.answered for each in read_alone], abs=1e-5)
        answer = second.ask(Question(QUESTIONS[0], limit=6, explain=True))
        told = [passage.explanation.reranked for passage in answer.passages if passage.explanation]
        assert told == pytest.approx(scores, abs=1e-5)

    def test_an_index_calibrated_for_another_reader_says_how_to_mend_it(
        self, assistant: Assistant, tiny_reranker: Path
    ) -> None:
        other = replace(assistant, reranker=CrossEncoderReader(str(tiny_reranker)))
        with pytest.raises(IndexMismatch, match=r"calibrated for the reader 'tokens'.*notes build"):
            other.ask(Question(QUESTIONS[0]))

    def test_a_missing_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="NOTES_RERANKER"):
            CrossEncoderReader(str(tmp_path / "nothing"))

    def test_a_folder_of_something_else_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text("{}")
        with pytest.raises(ModelError, match="cannot be loaded"):
            CrossEncoderReader(str(tmp_path))
