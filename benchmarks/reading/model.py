"""What is learned: the projection of token states, and the reader over what it gives."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

COMPONENTS = 128
_FAR = -1e4
# As `index.vectors` packs a passage's components: sixteen levels half a deviation apart.
_STEP, _ZERO = 0.5, 7.5


class Projection(nn.Module):
    """From states to unit vectors of COMPONENTS, questions and passages each by a matrix."""

    def __init__(self, states: int) -> None:
        """states: how many components a token's states have."""
        super().__init__()
        self.questions = nn.Linear(states, COMPONENTS)
        self.passages = nn.Linear(states, COMPONENTS)
        self.weights = nn.Linear(COMPONENTS, 1, bias=False)
        self.deviations = nn.Buffer(torch.full((COMPONENTS,), COMPONENTS**-0.5))
        nn.init.zeros_(self.weights.weight)

    def question(self, states: Tensor) -> Tensor:
        """Return (…, COMPONENTS), unit length."""
        return functional.normalize(self.questions(states), dim=-1)

    def passage(self, states: Tensor) -> Tensor:
        """Return the same for passages, rounded as they are stored; gradients pass unrounded."""
        exact = functional.normalize(self.passages(states), dim=-1)
        scaled = exact / (self.deviations * _STEP) + _ZERO
        rounded = scaled.round().clamp(0, 15)
        stored = functional.normalize((rounded - _ZERO) * self.deviations * _STEP, dim=-1)
        return exact + (stored - exact).detach()

    def shares(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return (…, tokens), how much each of a question's tokens counts; their sum is 1."""
        logits = self.weights(tokens).squeeze(-1)
        return torch.softmax(logits.masked_fill(mask == 0, _FAR), -1)


class Block(nn.Module):
    """One layer of a transformer, normed before."""

    def __init__(self, width: int, dropout: float, heads: int = 4) -> None:
        """width: of what goes in and comes out."""
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.joined, self.mixed = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: (batch, items, width); mask: (batch, items), 0 where there is nothing."""
        size = x.shape[-1] // self.heads
        parts = self.joined(self.first(x)).reshape(*x.shape[:2], 3, self.heads, size)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) / math.sqrt(size)
        shares = torch.softmax(scores.masked_fill(mask[:, None, None] == 0, _FAR), -1)
        seen = (self.dropout(shares) @ value).transpose(1, 2).reshape(x.shape)
        x = x + self.dropout(self.mixed(seen))
        inner = self.dropout(functional.gelu(self.wide(self.second(x))))
        return x + self.dropout(self.narrow(inner))


class Neighbours(nn.Module):
    """What a line takes from the one before and the one after it: the order of lines says what
    stands under a label, and which sentence goes on from which."""

    def __init__(self, width: int, dropout: float) -> None:
        """width: of what goes in and comes out."""
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.three, self.narrow = nn.Linear(3 * width, width), nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: (batch, lines, width); mask: (batch, lines), 0 where there is nothing."""
        own = self.norm(x) * mask[..., None]
        edge = torch.zeros_like(own[:, :1])
        before, after = torch.cat([edge, own[:, :-1]], 1), torch.cat([own[:, 1:], edge], 1)
        inner = functional.gelu(self.three(torch.cat([before, own, after], -1)))
        return x + self.dropout(self.narrow(inner))


class Reader(nn.Module):
    """Does a passage answer a question, and which of its lines does? See `assistant.retrieval`."""

    HEADS = 4

    def __init__(self, width: int = 96, dropout: float = 0.2) -> None:
        """width: of what is compared."""
        super().__init__()
        linear, heads = nn.Linear, self.HEADS
        self.scale = nn.Parameter(torch.full((heads,), 10.0))
        self.part_scale = nn.Parameter(torch.full((heads,), 5.0))
        self.weights = linear(COMPONENTS, 1)
        self.asked, self.stated = linear(COMPONENTS, width), linear(COMPONENTS, width)
        self.asked_seen = nn.Sequential(linear(4 * width + 2, width), nn.GELU())
        self.stated_seen = nn.Sequential(linear(4 * width + 1, width), nn.GELU())
        self.question = nn.ModuleList(Block(width, dropout) for _ in range(2))
        self.token_weight = linear(width, 1)
        self.line = nn.Sequential(linear(3 * width + 4, width), nn.GELU())
        self.lines = nn.ModuleList(
            layer(width, dropout) for _ in range(2) for layer in (Neighbours, Block)
        )
        self.line_logit = linear(width, 1)
        self.line_scale = nn.Parameter(torch.tensor(10.0))
        self.answered = nn.Sequential(
            linear(3 * width + 4, width), nn.GELU(), nn.Dropout(dropout), linear(width, 1)
        )
        self.dropout = nn.Dropout(dropout)
        for layer in (self.weights, self.token_weight):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self,
        question: Tensor,
        asked: Tensor,
        passage: Tensor,
        members: Tensor,
        met: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return logits: (batch,), answered; (batch, lines), of each line.

        question: (batch, asked, COMPONENTS) and its mask. passage: (batch, stated, COMPONENTS).
        members: (batch, 1 + lines, stated), 1 where a token stands in a line, the heading first.
        met: (batch, asked, 1 + lines), how well each token is met in each line, where that is
        known already; -1 in a line without tokens.
        """
        stated = members.sum(1)
        has = (members.sum(-1) > 0).float()
        question, passage = self._thinned(question), self._thinned(passage)
        likeness = question @ passage.transpose(1, 2)
        near = likeness.masked_fill(stated[:, None] == 0, -1.0)
        back = likeness.masked_fill(asked[..., None] == 0, -1.0)
        best = near.amax(-1)
        own, theirs = self.asked(question * 11.3), self.stated(passage * 11.3)
        seen, seen_back = self._attended(question, passage, likeness, own, theirs, asked, stated)
        weights = torch.softmax(self.weights(question).squeeze(-1) * 10 + (asked - 1) * -_FAR, -1)
        if met is None:
            met = (near[:, :, None] + (members[:, None] - 1) * 4).amax(-1).clamp(min=-1)
        either = torch.maximum(met, 0.9 * met[:, :, :1])
        sums = (either * weights[..., None]).sum(1)
        weakest = either.masked_fill(asked[..., None] == 0, 2.0).amin(1)
        count = asked.sum(1, keepdim=True)
        mean = (either * asked[..., None]).sum(1) / count
        alone = (met * weights[..., None]).sum(1)
        # The line that meets most, by a soft choice.
        choice = torch.softmax((sums * 20)[:, 1:].masked_fill(has[:, 1:] == 0, _FAR), -1)
        inside = (met[:, :, 1:] * choice[:, None]).sum(-1)
        facts = torch.stack([best, inside], -1)
        tokens = compared(self.asked_seen, own, seen, facts)
        for block in self.question:
            tokens = block(tokens, asked)
        said = compared(self.stated_seen, theirs, seen_back, back.amax(1)[..., None])
        summed = (tokens * weights[..., None]).sum(1)
        averaged = (tokens * asked[..., None]).sum(1) / count
        lines = self._lines(said, members, has, summed, [sums, weakest, mean, alone])
        logits = self.line_logit(lines).squeeze(-1) + self.line_scale * sums
        logits = logits.masked_fill(has == 0, _FAR)[:, 1:]
        shares = torch.softmax(logits, -1)
        pooled = (shares[..., None] * lines[:, 1:]).sum(1)
        facts = [
            sums[:, 1:].masked_fill(has[:, 1:] == 0, -1.0).amax(-1),
            (best * weights).sum(-1),
            best.masked_fill(asked == 0, 2.0).amin(-1),
            inside.masked_fill(asked == 0, 2.0).amin(-1),
        ]
        read = torch.cat([summed, averaged, pooled, torch.stack(facts, -1)], -1)
        return self.answered(read).squeeze(-1), logits

    def _thinned(self, tokens: Tensor) -> Tensor:
        return functional.normalize(self.dropout(tokens), dim=-1) if self.training else tokens

    def _attended(
        self,
        question: Tensor,
        passage: Tensor,
        likeness: Tensor,
        own: Tensor,
        theirs: Tensor,
        asked: Tensor,
        stated: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return what each token of either finds in the other."""
        heads = self.HEADS

        def split(x: Tensor) -> Tensor:
            return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)

        def unit(x: Tensor) -> Tensor:
            return x / x.norm(dim=-1, keepdim=True).clamp(min=1e-6)

        parts = unit(split(question)) @ unit(split(passage)).transpose(-1, -2)
        scores = self.scale[:, None, None] * likeness[:, None]
        scores = scores + self.part_scale[:, None, None] * parts
        there = torch.softmax(scores.masked_fill(stated[:, None, None] == 0, _FAR), -1)
        back = torch.softmax(scores.masked_fill(asked[:, None, :, None] == 0, _FAR), -2)
        seen = (there @ split(theirs)).transpose(1, 2).reshape(own.shape)
        seen_back = (back.transpose(-1, -2) @ split(own)).transpose(1, 2).reshape(theirs.shape)
        return seen, seen_back

    def _lines(
        self, said: Tensor, members: Tensor, has: Tensor, summed: Tensor, facts: list[Tensor]
    ) -> Tensor:
        """Return (batch, 1 + lines, width), what each line says of the question."""
        counts = members.sum(-1, keepdim=True).clamp(min=1)
        mean = members @ said / counts
        weight = torch.exp(self.token_weight(said).clamp(-8, 8))
        soft = members @ (weight * said) / (members @ weight).clamp(min=1e-4)
        every = summed[:, None].expand(-1, members.shape[1], -1)
        lines = self.line(torch.cat([mean, soft, every, torch.stack(facts, -1)], -1))
        for layer in self.lines:
            lines = layer(lines, has)
        return lines


def compared(layer: nn.Sequential, own: Tensor, seen: Tensor, facts: Tensor) -> Tensor:
    """Return what a layer makes of two vectors, of their product and difference, and of facts.

    That is, of all five side by side; written as a sum, it need not be put side by side.
    """
    first, *rest = layer
    assert isinstance(first, nn.Linear)
    width = own.shape[-1]
    of_own, of_seen, of_both, apart, of_facts = first.weight.split(
        [width] * 4 + [facts.shape[-1]], 1
    )
    total = own @ (of_own + apart).T + seen @ (of_seen - apart).T + (own * seen) @ of_both.T
    total = total + facts @ of_facts.T + first.bias
    for each in rest:
        total = each(total)
    return total


class Served(nn.Module):
    """Readers as they are served: one question, several passages, the mean of what they say."""

    def __init__(self, readers: Sequence[Reader]) -> None:
        """readers: what was learned, each from another beginning."""
        super().__init__()
        self.readers = nn.ModuleList(readers)

    def forward(
        self, question: Tensor, passages: Tensor, members: Tensor, met: Tensor
    ) -> tuple[Tensor, Tensor]:
        """question: (asked, COMPONENTS); passages: (n, stated, COMPONENTS); the rest as above."""
        asked = question[None].expand(passages.shape[0], -1, -1)
        mask = torch.ones_like(asked[..., 0])
        said = [reader(asked, mask, passages, members, met) for reader in self.readers]
        answered = torch.stack([each for each, _ in said]).mean(0)
        return answered, torch.stack([lines for _, lines in said]).mean(0)
