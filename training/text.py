"""Labelled lines, their words and pieces, and the noise that recognisers add."""

import csv
import pathlib
import random
import re

BEGIN, UNKNOWN, END = 0, 1, 2
UNKNOWN_COST = 25.0
LONGEST_WORD = 64
WINDOW = 64
LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"


class Line:
    """A labelled utterance."""

    def __init__(self, party: str, text: str, labels: list[str]) -> None:
        self.party, self.text, self.labels = party, text, labels
        self.fresh = False


def read(path: pathlib.Path) -> list[Line]:
    """Reads a tab-separated file with the columns party, text, labels."""
    with path.open(encoding="utf8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Line(row["party"], row["text"], [label.strip() for label in row["labels"].split(",") if label.strip()])
            for row in rows
            if row["text"].strip()
        ]


def simple(text: str) -> str:
    """Small letters, «е» for «ё», single spaces: what the encoder sees."""
    return " ".join(text.lower().replace("ё", "е").split())


class Pieces:
    """Cuts words into the likeliest pieces."""

    def __init__(self, pieces: list[str], scores: list[float]) -> None:
        self.rows = {piece: (row, score) for row, (piece, score) in enumerate(zip(pieces, scores)) if row > END}
        self.longest = max(map(len, self.rows))
        self.known: dict[str, list[int]] = {}

    def cut(self, word: str) -> list[int]:
        if word in self.known:
            return self.known[word]
        marked = "▁" + word[:LONGEST_WORD]
        best = [(-1e30, 0, UNKNOWN)] * (len(marked) + 1)
        best[0] = (0.0, 0, UNKNOWN)
        for begin in range(len(marked)):
            score = best[begin][0]
            for end in range(begin + 1, min(len(marked), begin + self.longest) + 1):
                row = self.rows.get(marked[begin:end])
                if row and score + row[1] > best[end][0]:
                    best[end] = (score + row[1], begin, row[0])
            if score - UNKNOWN_COST > best[begin + 1][0]:
                best[begin + 1] = (score - UNKNOWN_COST, begin, UNKNOWN)
        rows, at = [], len(marked)
        while at:
            _, begin, row = best[at]
            rows.append(row)
            at = begin
        self.known[word] = rows[::-1]
        return self.known[word]

    def tokens(self, text: str) -> list[int]:
        """One window of a text, with the marks of begin and end."""
        inner = [row for word in simple(text).split(" ") for row in self.cut(word)]
        return [BEGIN, *inner[: WINDOW - 2], END]


def noisy(text: str, chance: random.Random) -> str:
    """What recognisers and hurried people do to a text: no punctuation, wrong letters, split and merged words."""
    if chance.random() < 0.35:
        text = " ".join(re.sub(r"[^\w\s*@]", " ", text).split()) or text
    if chance.random() < 0.3:
        text = corrupt(text, 0.12, chance)
    return text


def corrupt(text: str, share: float, chance: random.Random) -> str:
    words: list[str] = []
    for word in text.split(" "):
        if chance.random() < share and len(word) > 2:
            kind = chance.random()
            if kind < 0.2:
                continue
            at = chance.randrange(1, len(word))
            if kind < 0.45:
                word = word[:at] + chance.choice(LETTERS) + word[at + 1 :]
            elif kind < 0.6:
                word = word[:at] + " " + word[at:]
            elif kind < 0.75:
                word = word[:-1]
            elif kind < 0.85 and words:
                word = words.pop() + word
            else:
                word = re.sub("[оа]", lambda match: "а" if match[0] == "о" else "о", word, count=1)
        words.append(word)
    return " ".join(words) or text
