"""Learns the projection of token states and the reader, and reports on documents held back.

    python -m benchmarks.reading.train PASSAGES … [--passes 5] [--readers 1] [--reader-alone]

PASSAGES are files as `benchmarks.reading.passages` cuts them; what is asked of them stands in
`questions/`: `passage, question, language, kind, lines`, the numbers of the lines that answer, none
where the passage does not. A tenth of the documents, by their hash, takes no part in training. The
readers are trained one after another, and what they say is averaged. --reader-alone learns over the
projection that ships, in a fraction of the time: no index needs its token states anew.
--write puts what was learned where the program has it. An accelerator is used where there is one.
"""

import argparse
import json
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from assistant.calibration.evaluate import interval
from assistant.settings import read_settings
from benchmarks.reading.data import Data, Text, read
from benchmarks.reading.export import write_projection, write_readers
from benchmarks.reading.model import COMPONENTS, Projection, Reader
from index.encoding.engines import open_encoder
from index.vectors import learned_projection

REPORT = Path(__file__).parents[1] / "reports" / "reading.json"
# Part of the questions whose passage is replaced by one near it, which does not answer.
_OTHERS = 0.5
# How sharply passages are told apart by late interaction.
_TEMPERATURE = 0.05
_LABEL_NOISE = 0.02


@dataclass(frozen=True)
class Batch:
    """Questions with the passages they are asked of, padded; see `Reader.forward`."""

    question: Tensor
    asked: Tensor
    passage: Tensor
    members: Tensor


class Learner:
    """What learns: the projection over states that are centred and scaled, and the reader."""

    def __init__(self, data: Data, device: str, shipped: bool = False) -> None:
        """Begin with the principal components of the states, questions and passages alike; or keep
        the projection that ships, by which the data are projected already."""
        self.data, self.device, self.shipped = data, device, shipped
        width = data.stated[0].states.shape[1]
        self.means, self.scales, components = _unmoved(width) if shipped else _principal(data)
        self.projection = Projection(width).to(device)
        for linear in (self.projection.questions, self.projection.passages):
            linear.weight.data = components.to(device)
            linear.bias.data.zero_()
        if shipped:
            kept = learned_projection()
            self.projection.deviations.copy_(torch.from_numpy(kept.deviations))
            self.projection.weights.weight.data = torch.from_numpy(kept.weights)[None].to(device)
            self.projection.requires_grad_(False)
        self.readers = [Reader().to(device)]

    @property
    def fixed(self) -> bool:
        """Return whether the projection learns no more."""
        return self.shipped or len(self.readers) > 1

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
        thinned = functional.dropout(states, 0.2, self.reader.training and not self.shipped)
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
        if self.fixed:
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
        if self.fixed:
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


def _unmoved(width: int) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Return means, scales and components that leave everything as it is."""
    return [torch.zeros(width)] * 2, [torch.ones(width)] * 2, torch.eye(width)


def projected(data: Data) -> Data:
    """Return the same with states as the projection that ships makes them."""
    kept = learned_projection()
    sides = [
        [replace(text, states=project(text.states.astype(np.float32))) for text in texts]
        for texts, project in ((data.asked, kept.question), (data.stated, kept.passage))
    ]
    return replace(data, asked=sides[0], stated=sides[1])


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


def main() -> None:
    """Learn, report, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("passages", type=Path, nargs="+")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--readers", type=int, default=1)
    parser.add_argument("--reader-alone", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    data = read(options.passages, open_encoder("", "onnx", read_settings().cache_dir))
    data = projected(data) if options.reader_alone else data
    device = "cuda" if torch.cuda.is_available() else "cpu"
    learner = Learner(data, device, options.reader_alone)
    learn(learner, options.passes, seed=0)
    for seed in range(1, options.readers):
        learner.another()
        learn(learner, options.passes, seed)
    found = report(learner)
    print(found)
    if options.write:
        if not options.reader_alone:
            write_projection(learner.projection, learner.means, learner.scales)
        write_readers(learner.readers)
        counts = {"passages": len(data.passages), "questions": len(data.questions)}
        REPORT.write_text(json.dumps(counts | found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
