"""Learns the projection of token states and the reader, and reports on documents held back.

    python -m benchmarks.reading.train PASSAGES … [--passes 5] [--readers 1]

PASSAGES are files as `benchmarks.reading.passages` cuts them; what is asked of them stands in
`questions/`: `passage, question, language, kind, lines`, the numbers of the lines that answer, none
where the passage does not. A tenth of the documents, by their hash, takes no part in training. The
readers are trained one after another, and what they say is averaged.
--write puts what was learned where the program has it. An accelerator is used where there is one.
"""

import argparse
import hashlib
import json
import math
import random
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor
from torch.nn import functional

from assistant.evaluate import interval
from assistant.reader import READER
from assistant.settings import read_settings
from benchmarks.reading.model import COMPONENTS, Projection, Reader, Served
from index.encoder import Encoder, Encoding, normalise
from index.engines import open_encoder
from index.model.graph import FUSED, INT8_INPUTS, quantised
from index.states import LEARNED, spoken, token_lines

QUESTIONS = Path(__file__).with_name("questions")
REPORT = Path(__file__).parents[1] / "reports" / "reading.json"
# Part of the questions whose passage is replaced by one near it, which does not answer.
_OTHERS = 0.5
_NEAR = 25
# How sharply passages are told apart by late interaction.
_TEMPERATURE = 0.05
_LABEL_NOISE = 0.02
_BLOCK = 32


@dataclass(frozen=True, eq=False)
class Text:
    """One encoded text: float16 (tokens, states), the line of each token, -1 for the heading."""

    states: npt.NDArray[np.float16]
    lines: npt.NDArray[np.int16]
    vector: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Data:
    """Passages and questions with their texts; own: the passage that a question was written for.

    held: of each passage, whether it takes no part in training. near: passages like each question.
    """

    passages: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    stated: list[Text]
    asked: list[Text]
    own: list[int]
    held: list[bool]
    near: list[list[int]]

    def chosen(self, answered: bool, held: bool) -> list[int]:
        """Return questions by whether their passage answers and whether it is held back."""
        return [
            number
            for number, question in enumerate(self.questions)
            if bool(question["lines"]) == answered and self.held[self.own[number]] == held
        ]

    def other(self, question: int, generator: random.Random) -> int:
        """Return a passage of another document that is like the question."""
        path = self.passages[self.own[question]]["path"]
        near = [each for each in self.near[question] if self.passages[each]["path"] != path]
        return generator.choice(near or self.near[question])


def read(files: Sequence[Path], encoder: Encoder) -> Data:
    """Return passages with what is asked of them, encoded as the program encodes it."""
    passages = rows(files)
    places = {passage["id"]: number for number, passage in enumerate(passages)}
    questions = [each for each in rows(sorted(QUESTIONS.iterdir())) if each["passage"] in places]
    texts = [normalise("\n".join([each["heading"], *each["lines"]])) for each in passages]
    found = encoder.encode(texts, "passage")
    stated = [_stated(*each) for each in zip(found, texts, passages, strict=True)]
    encoded = encoder.encode([each["question"] for each in questions], "query")
    asked = [
        Text(each.own_states.astype(np.float16), np.zeros(0, np.int16), each.vector)
        for each in encoded
    ]
    centred = [
        vectors - vectors.mean(axis=0)
        for vectors in (np.stack([each.vector for each in part]) for part in (asked, stated))
    ]
    near = (
        torch.from_numpy(centred[0] @ centred[1].T).topk(min(_NEAR, len(passages))).indices.tolist()
    )
    own = [places[each["passage"]] for each in questions]
    return Data(passages, questions, stated, asked, own, [held(p) for p in passages], near)


def rows(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Return what the lines of some files hold."""
    return [json.loads(line) for file in files for line in file.open(encoding="utf-8")]


def held(passage: dict[str, Any]) -> bool:
    """Return whether a passage takes no part in training, as all of its document."""
    named = repr((passage["source"], passage["path"])).encode()
    return int(hashlib.sha1(named, usedforsecurity=False).hexdigest(), 16) % 10 == 1


def _stated(found: Encoding, text: str, passage: dict[str, Any]) -> Text:
    kept = spoken(found, text)
    heading = len(normalise(passage["heading"])) + 1
    lines = token_lines(found.offsets[kept], heading, passage["lines"])
    return Text(found.states[kept].astype(np.float16), lines, found.vector)


@dataclass(frozen=True)
class Batch:
    """Questions with the passages they are asked of, padded; see `Reader.forward`."""

    question: Tensor
    asked: Tensor
    passage: Tensor
    members: Tensor


class Learner:
    """What learns: the projection over states that are centred and scaled, and the reader."""

    def __init__(self, data: Data, device: str) -> None:
        """Begin with the principal components of the states, questions and passages alike."""
        self.data, self.device = data, device
        width = data.stated[0].states.shape[1]
        self.means, self.scales, components = _principal(data)
        self.projection = Projection(width).to(device)
        for linear in (self.projection.questions, self.projection.passages):
            linear.weight.data = components.to(device)
            linear.bias.data.zero_()
        self.readers = [Reader().to(device)]

    @property
    def reader(self) -> Reader:
        """Return the reader that learns."""
        return self.readers[-1]

    def another(self) -> None:
        """Let another reader learn, over what the projection gives from now on."""
        self.projection.requires_grad_(False)
        self.readers.append(Reader().to(self.device))

    def parameters(self) -> list[torch.nn.Parameter]:
        """Return all that learns."""
        every = [*self.projection.parameters(), *self.reader.parameters()]
        return [parameter for parameter in every if parameter.requires_grad]

    def train(self, mode: bool) -> None:
        """Let dropout be, or not."""
        for module in (self.projection, *self.readers):
            module.train(mode)

    def read(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return what all readers say together."""
        said = [r(batch.question, batch.asked, batch.passage, batch.members) for r in self.readers]
        answered = torch.stack([each for each, _ in said]).mean(0)
        return answered, torch.stack([lines for _, lines in said]).mean(0)

    def batch(self, pairs: Sequence[tuple[int, int]]) -> Batch:
        """Return questions and passages, projected."""
        asked = [self.data.asked[question] for question, _ in pairs]
        stated = [self.data.stated[passage] for _, passage in pairs]
        question, mask = self._padded(asked, 0)
        passage, _ = self._padded(stated, 1)
        members = np.zeros(
            (len(pairs), max(int(each.lines.max()) for each in stated) + 2, passage.shape[1]),
            np.float32,
        )
        for row, each in enumerate(stated):
            members[row, each.lines + 1, np.arange(len(each.lines))] = 1
        return Batch(
            self.projection.question(question),
            mask,
            self.projection.passage(passage),
            torch.from_numpy(members).to(self.device),
        )

    def _padded(self, texts: Sequence[Text], side: int) -> tuple[Tensor, Tensor]:
        longest = max(len(each.states) for each in texts)
        padded = np.zeros((len(texts), longest, texts[0].states.shape[1]), np.float32)
        mask = np.zeros((len(texts), longest), np.float32)
        for row, each in enumerate(texts):
            padded[row, : len(each.states)] = each.states
            mask[row, : len(each.states)] = 1
        states = (torch.from_numpy(padded).to(self.device) - self.means[side]) / self.scales[side]
        thinned = functional.dropout(states, 0.2, self.reader.training)
        return thinned, torch.from_numpy(mask).to(self.device)

    def late(self, batch: Batch, rows: Sequence[int]) -> Tensor:
        """Return (rows, batch), late interaction of some questions with all passages."""
        question, asked = batch.question[rows], batch.asked[rows]
        likeness = torch.einsum("qad,psd->qpas", question, batch.passage)
        best = likeness.masked_fill(batch.members.sum(1)[None, :, None] == 0, -1.0).amax(-1)
        return (best * self.projection.shares(question, asked)[:, None]).sum(-1)

    def loss(self, items: Sequence[tuple[int, int, bool]]) -> Tensor:
        """Return what is to become small: answered or not, the line, the passage among others."""
        batch = self.batch([(question, passage) for question, passage, _ in items])
        answered, lines = self.reader(batch.question, batch.asked, batch.passage, batch.members)
        truth = torch.tensor([float(right) for *_, right in items], device=self.device)
        target = truth * (1 - 2 * _LABEL_NOISE) + _LABEL_NOISE
        total = functional.binary_cross_entropy_with_logits(answered, target)
        right = [row for row, (*_, answers) in enumerate(items) if answers]
        if not right:
            return total
        gold = torch.zeros_like(lines)
        for row in right:
            for line in self.data.questions[items[row][0]]["lines"]:
                if line < gold.shape[1]:
                    gold[row, line] = 1
        held = [row for row in right if gold[row].any()]
        chosen = torch.log_softmax(lines[held], -1).masked_fill(gold[held] == 0, -1e4)
        total = total - 0.4 * torch.logsumexp(chosen, -1).mean()
        if len(self.readers) > 1:
            return total
        own = torch.tensor([passage for _, passage, _ in items], device=self.device)
        same = own[right][:, None] == own[None]
        same[torch.arange(len(right)), right] = False
        scores = self.late(batch, right).masked_fill(same, -1e4) / _TEMPERATURE
        places = torch.tensor(right, device=self.device)
        return total + 0.3 * functional.cross_entropy(scores, places)

    @torch.no_grad()
    def rescale(self) -> None:
        """Take the spread of passages' components anew, as they are stored by it."""
        if len(self.readers) > 1:
            return
        texts = self.data.stated[:: max(1, len(self.data.stated) // 300)]
        states, mask = self._padded(texts, 1)
        exact = functional.normalize(self.projection.passages(states), dim=-1)[mask > 0]
        self.projection.deviations.copy_(exact.std(0).clamp(min=1e-6))


def _principal(data: Data) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Return means and scales of questions' and passages' states, and their main components.

    The states of a layer have one scale, so that no layer outweighs another.
    """
    means, scales, covariances = [], [], []
    for texts in (data.asked, data.stated):
        sample = np.concatenate([each.states for each in texts[:: 1 + len(texts) // 3000]])
        states = torch.from_numpy(sample.astype(np.float32))
        means.append(states.mean(0))
        layers = (states - means[-1]).reshape(len(states), -1, 384).std((0, 2))
        scales.append(layers.repeat_interleave(384))
        scaled = (states - means[-1]) / scales[-1]
        covariances.append(scaled.T @ scaled / len(scaled))
    _, vectors = torch.linalg.eigh(covariances[0] + covariances[1])
    return means, scales, vectors.flip(1)[:, :COMPONENTS].T.contiguous()


def batches(
    learner: Learner, size: int, generator: random.Random
) -> Iterator[list[tuple[int, int, bool]]]:
    """Yield a pass over all questions that are not held back, passages of like length together."""
    data = learner.data
    answered, rest = data.chosen(True, False), data.chosen(False, False)
    items = [(each, data.own[each], True) for each in answered]
    items += [(each, data.own[each], False) for each in rest]
    others = generator.sample(answered, int(_OTHERS * len(answered)))
    items += [(each, data.other(each, generator), False) for each in others]
    generator.shuffle(items)
    found = []
    for start in range(0, len(items), 40 * size):
        part = sorted(items[start : start + 40 * size], key=lambda x: len(data.stated[x[1]].states))
        found += [part[at : at + size] for at in range(0, len(part), size)]
    generator.shuffle(found)
    yield from found


def learn(learner: Learner, passes: int, seed: int, rate: float = 1e-3, size: int = 48) -> None:
    """Train for so many passes, the rate falling along half a cosine; what is kept is the mean of
    the last steps."""
    torch.manual_seed(seed)
    generator = random.Random(seed)  # noqa: S311
    optimiser = torch.optim.AdamW(learner.parameters(), lr=rate, weight_decay=0.05)
    plans = [list(batches(learner, size, generator)) for _ in range(passes)]
    total, step = sum(map(len, plans)), 0
    averaged = [parameter.detach().clone() for parameter in learner.parameters()]
    for number, plan in enumerate(plans, 1):
        learner.rescale()
        learner.train(True)
        for items in plan:
            step += 1
            for group in optimiser.param_groups:
                falling = max(0.02, 0.5 * (1 + math.cos(math.pi * step / total)))
                group["lr"] = rate * min(1.0, step / 100) * falling
            loss = learner.loss(items)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
            optimiser.step()
            share = max(1 / step, 0.003)
            for kept, parameter in zip(averaged, learner.parameters(), strict=True):
                kept.lerp_(parameter.detach(), share)
        print(f"pass {number} of {passes}: {report(learner)}", flush=True)
    for kept, parameter in zip(averaged, learner.parameters(), strict=True):
        parameter.data.copy_(kept)
    learner.rescale()


@torch.no_grad()
def report(learner: Learner) -> dict[str, list[float]]:
    """Return what is measured on documents held back, each with its 95% interval."""
    learner.train(False)
    data = learner.data
    answered, rest = data.chosen(True, True), data.chosen(False, True)
    right, lines = _scores(learner, [(each, data.own[each]) for each in answered])
    wrong, _ = _scores(learner, [(each, data.own[each]) for each in rest])
    first = [
        float(int(found.argmax()) in data.questions[each]["lines"])
        for each, found in zip(answered, lines, strict=True)
    ]
    refused = np.quantile(right, 0.06)
    above = (right[:, None] > wrong).mean(axis=1)
    return {
        "AUROC, same passage": _with_interval(above.tolist()),
        "told so where 6% are refused": _with_interval((wrong < refused).astype(float).tolist()),
        "right line first": _with_interval(first),
        **{f"right passage first: {k}": v for k, v in _ranked(learner, answered).items()},
    }


def _with_interval(values: Sequence[float]) -> list[float]:
    return [round(each, 4) for each in (float(np.mean(values)), *interval(values))]


def _scores(
    learner: Learner, pairs: Sequence[tuple[int, int]]
) -> tuple[npt.NDArray[np.float64], list[Tensor]]:
    answered = np.zeros(len(pairs))
    lines: list[Tensor] = [torch.zeros(0)] * len(pairs)
    order = sorted(range(len(pairs)), key=lambda at: len(learner.data.stated[pairs[at][1]].states))
    for start in range(0, len(order), 64):
        chosen = order[start : start + 64]
        batch = learner.batch([pairs[at] for at in chosen])
        logits, found = learner.read(batch)
        for at, logit, row in zip(chosen, logits.tolist(), found, strict=True):
            answered[at], lines[at] = logit, row.cpu()
    return answered, lines


def _ranked(learner: Learner, answered: Sequence[int]) -> dict[str, list[float]]:
    """Return how often late interaction finds a question's passage first among all held back."""
    data = learner.data
    passages = sorted({data.own[each] for each in answered})
    columns = []
    for start in range(0, len(passages), 32):
        some = passages[start : start + 32]
        batch = learner.batch([(answered[0], each) for each in some])
        found = []
        for at in range(0, len(answered), 64):
            part = answered[at : at + 64]
            question, mask = learner._padded([data.asked[each] for each in part], 0)
            alike = Batch(learner.projection.question(question), mask, batch.passage, batch.members)
            found.append(learner.late(alike, range(len(part))))
        columns.append(torch.cat(found))
    scores = torch.cat(columns, 1)
    gold = torch.tensor([passages.index(data.own[each]) for each in answered])
    own = scores[torch.arange(len(gold)), gold]
    ranks = (scores > own[:, None]).sum(1).float()
    return {
        f"of {len(passages)}": _with_interval((ranks == 0).float().tolist()),
        "MRR": _with_interval((1 / (1 + ranks)).tolist()),
    }


def write(learner: Learner) -> None:
    """Put what was learned where the program has it."""
    learner.train(False)
    projection = learner.projection
    sides = {"question": (projection.questions, 0), "passage": (projection.passages, 1)}
    arrays = {}
    for name, (linear, side) in sides.items():
        matrix = (linear.weight / learner.scales[side].to(learner.device)).T
        shift = linear.bias - learner.means[side].to(learner.device) @ matrix
        arrays |= {f"{name}s": matrix, f"{name}_shift": shift}
    arrays |= {
        "deviations": projection.deviations,
        "weights": projection.weights.weight[0],
    }
    kept = {name: each.detach().cpu().numpy() for name, each in arrays.items()}
    halves = {name: each.astype(np.float16) for name, each in kept.items() if each.ndim == 2}
    np.savez_compressed(str(LEARNED), **(kept | halves))
    example = (
        torch.randn(7, COMPONENTS),
        torch.randn(3, 11, COMPONENTS),
        torch.ones(3, 4, 11),
        torch.randn(3, 7, 4),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Served(learner.readers).cpu().eval(),
            example,
            str(READER),
            input_names=["question", "passages", "members", "met"],
            output_names=["answered", "lines"],
            dynamic_axes={
                "question": {0: "asked"},
                "passages": {0: "n", 1: "stated"},
                "members": {0: "n", 1: "lines", 2: "stated"},
                "met": {0: "n", 1: "asked", 2: "lines"},
                "answered": {0: "n"},
                "lines": {0: "n", 1: "lines"},
            },
            dynamo=False,
            opset_version=18,
        )
    _pack(Path(str(READER)))


def _pack(path: Path) -> None:
    """Keep a graph's matrices in 8 bits, and multiply by them as the encoder's are."""
    model = onnx.load(str(path))
    graph = model.graph
    constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    packed = set()
    for node in list(graph.node):
        matrix = constants.get(node.input[1]) if node.op_type == "MatMul" else None
        if matrix is None or matrix.ndim != 2:
            continue
        rows, columns = matrix.shape
        padded = np.pad(matrix.T, ((0, 0), (0, -rows % _BLOCK)))
        blocks, scales = quantised(padded, 8, _BLOCK)
        names = [f"{node.input[1]}.{part}" for part in ("blocks", "scales")]
        for name, array in zip(names, (blocks, scales.reshape(-1)), strict=True):
            if name not in packed:
                graph.initializer.append(numpy_helper.from_array(array, name))
                packed.add(name)
        sizes = {"K": rows, "N": columns, "bits": 8, "block_size": _BLOCK}
        product = helper.make_node(
            "MatMulNBits",
            [node.input[0], *names],
            node.output,
            domain=FUSED,
            accuracy_level=INT8_INPUTS,
            **sizes,
        )
        at = list(graph.node).index(node)
        graph.node.remove(node)
        graph.node.insert(at, product)
    used = {name for node in graph.node for name in node.input}
    for constant in list(graph.initializer):
        if constant.name not in used:
            graph.initializer.remove(constant)
    model.opset_import.append(helper.make_opsetid(FUSED, 1))
    onnx.save_model(model, str(path))


def main() -> None:
    """Learn, report, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("passages", type=Path, nargs="+")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--readers", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    data = read(options.passages, open_encoder("", "onnx", read_settings().cache_dir))
    learner = Learner(data, "cuda" if torch.cuda.is_available() else "cpu")
    learn(learner, options.passes, seed=0)
    for seed in range(1, options.readers):
        learner.another()
        learn(learner, options.passes, seed)
    found = report(learner)
    print(found)
    if options.write:
        write(learner)
        counts = {"passages": len(data.passages), "questions": len(data.questions)}
        REPORT.write_text(json.dumps(counts | found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
