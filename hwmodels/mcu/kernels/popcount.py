"""Dot products of packed words: the meaning of the word kernel and what it costs, side by side.

With pc = popcount, bit 1 = +1 in bipolar planes and K channels (m = the product of the masks that exist):

    +-1 x +-1              K - 2 pc(a ^ w)                  1 logic, 1 popcount per pair of words
    one side or both masked  pc(m) - 2 pc((a ^ w) & m)      2 or 3 logic, 2 popcounts
    {0,1} x +-1            2 pc(a & w) - pc(a [& mask])
    {0,1} x {0,1}          pc(a & w)

Counts of activation bits alone (pc(a), or pc(m) with no mask in the weights) are shared by all outputs of a pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hwmodels.mcu.layout import WORD_BITS, words_for
from neurobin.ir import DType, Encoding


@dataclass(frozen=True)
class WordRule:
    """Dot product of one plane pair and one word. `dot(a, am, w, wm, k)` broadcasts uint32 and returns int64.

    `logic` and `popcounts` are per output and word; `shared` popcounts are done once per pixel and word.
    """

    dot: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int | np.ndarray], np.ndarray]
    logic: int
    popcounts: int
    shared: int = 0


def pc(words: np.ndarray) -> np.ndarray:
    """Set bits of each word as int64: what the shift-and-add sequence on the core computes."""
    return np.bitwise_count(words).astype(np.int64)


def swar_popcount(words: np.ndarray) -> np.ndarray:
    """Set bits of uint32 words by the instruction sequence of a core without a popcount instruction.

    Pairs, nibbles, bytes, then one multiplication that adds the four bytes (H. S. Warren, Hacker's Delight, sec. 5-1).
    """
    v = words.astype(np.uint32)
    v = v - ((v >> np.uint32(1)) & np.uint32(0x55555555))
    v = (v & np.uint32(0x33333333)) + ((v >> np.uint32(2)) & np.uint32(0x33333333))
    v = (v + (v >> np.uint32(4))) & np.uint32(0x0F0F0F0F)
    return (v * np.uint32(0x01010101)) >> np.uint32(24)


RULES: dict[tuple[str, str], WordRule] = {
    ("bipolar", "bipolar"): WordRule(lambda a, am, w, wm, k: k - 2 * pc(a ^ w), 1, 1),
    ("bipolar", "ternary"): WordRule(lambda a, am, w, wm, k: pc(wm) - 2 * pc((a ^ w) & wm), 2, 2),
    ("ternary", "bipolar"): WordRule(lambda a, am, w, wm, k: pc(am) - 2 * pc((a ^ w) & am), 2, 1, shared=1),
    ("ternary", "ternary"): WordRule(lambda a, am, w, wm, k: pc(am & wm) - 2 * pc((a ^ w) & am & wm), 3, 2),
    ("digit", "bipolar"): WordRule(lambda a, am, w, wm, k: 2 * pc(a & w) - pc(a), 1, 1, shared=1),
    ("digit", "ternary"): WordRule(lambda a, am, w, wm, k: 2 * pc(a & w) - pc(a & wm), 2, 2),
    ("bipolar", "digit"): WordRule(lambda a, am, w, wm, k: 2 * pc(a & w) - pc(w), 1, 2),
    ("ternary", "digit"): WordRule(lambda a, am, w, wm, k: 2 * pc(a & w) - pc(w & am), 2, 2),
    ("digit", "digit"): WordRule(lambda a, am, w, wm, k: pc(a & w), 1, 1),
}


def kind(dtype: DType) -> str:
    """What a plane's bits stand for: bipolar, ternary (with a mask), or binary digits of a number."""
    if dtype.encoding is Encoding.TERNARY:
        return "ternary"
    return "bipolar" if dtype.is_bipolar else "digit"


def rule(activation: DType, weight: DType) -> WordRule:
    return RULES[kind(activation), kind(weight)]


def dot(a: np.ndarray, activation: DType, w: np.ndarray, weight: DType, channels: int) -> np.ndarray:
    """int64 [N, X, O]: dot products of pixels `a` uint32 [P, N, X, W] with filters `w` uint32 [O, Q, W] at one position."""
    pair = rule(activation, weight)
    total = np.zeros((*a.shape[1:3], len(w)), dtype=np.int64)
    for word in range(words_for(channels)):
        left, right = a[:, :, :, None, word], w[:, :, word]
        counted = min(WORD_BITS, channels - word * WORD_BITS)
        for p, p_weight in enumerate(activation.plane_weights):
            for q, q_weight in enumerate(weight.plane_weights):
                part = pair.dot(left[p], left[-1], right[:, q], right[:, -1], counted)
                total += part if p_weight * q_weight == 1 else part * (p_weight * q_weight)
    return total


def masked(weight: DType) -> WordRule:
    """The rule of bipolar activations some of whose bits do not count: a mask stands beside them as for ternary ones."""
    return RULES["ternary", kind(weight)]


def dot_words(pair: WordRule, activation: DType, a: np.ndarray, weight: DType, w: np.ndarray, bits: int) -> np.ndarray:
    """int64 [N, O]: dot products of `bits` dense bits `a` uint32 [P, N, W] with filters `w` uint32 [O, Q, W]."""
    counted = np.minimum(WORD_BITS, bits - WORD_BITS * np.arange(a.shape[-1]))
    total = np.zeros((a.shape[1], len(w)), dtype=np.int64)
    for p, p_weight in enumerate(activation.plane_weights):
        for q, q_weight in enumerate(weight.plane_weights):
            part = pair.dot(a[p, :, None], a[-1, :, None], w[:, q], w[:, -1], counted).sum(-1)
            total += part * (p_weight * q_weight)
    return total


def extract(words: np.ndarray, first: int, channels: int) -> np.ndarray:
    """Channels first ... first + channels - 1 moved to bit 0: the words of one group, by shifts and a mask."""
    start, shift = divmod(first, WORD_BITS)
    count = words_for(channels)
    padded = np.concatenate([words, np.zeros_like(words[..., :1])], axis=-1)
    found = padded[..., start : start + count]
    if shift:
        following = padded[..., start + 1 : start + 1 + count]
        if following.shape[-1] < count:
            following = np.concatenate([following, np.zeros_like(words[..., :1])], axis=-1)
        found = (found >> np.uint32(shift)) | (following << np.uint32(WORD_BITS - shift))
    found = np.array(found, dtype=np.uint32)
    if channels % WORD_BITS:
        found[..., -1] &= np.uint32((1 << channels % WORD_BITS) - 1)
    return found
