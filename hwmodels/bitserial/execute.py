"""The mapped network computes: the array from bit planes in the order of its instructions, the vector unit in between.

Every plane pair is ANDed (or XNORed) in words and counted into a 32-bit accumulator that is cleared, doubled and negated as
`schedule.wavefronts` says. All tiles of a product run the same pairs, so they are computed side by side; rows and columns
that only pad a tile are left out, as nothing reads them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hwmodels.bitserial.lower import Layer
from hwmodels.bitserial.mapping import BitSerialMapping, Product
from hwmodels.bitserial.postproc import COMPUTE
from hwmodels.bitserial.schedule import PlanePair, wavefronts
from neurobin.exec.reference import as_input
from neurobin.ir import pack_bits

BATCH = 64  # images in flight
_BLOCK_BYTES = 1 << 19  # of the word matrix in flight


def execute(mapping: BitSerialMapping, x: np.ndarray) -> np.ndarray:
    """int64 output [N, ...] for inputs [N, *shape]."""
    graph = mapping.graph
    x = as_input(x, graph.inputs[graph.input], graph.input)
    parts = [_run(mapping, x[start : start + BATCH]) for start in range(0, len(x), BATCH)]
    return np.concatenate(parts) if parts else np.zeros((0, *graph.types[graph.output].shape), np.int64)


def _run(mapping: BitSerialMapping, x: np.ndarray) -> np.ndarray:
    graph = mapping.graph
    live = {graph.input: x}
    kept = {graph.output}
    last = {name: index for index, step in enumerate(mapping.plan) for name in step.stage.inputs}
    for index, step in enumerate(mapping.plan):
        for node in step.stage.nodes:
            operands = [live[name] for name in node.inputs]
            if step.product is not None and node is step.stage.head:
                shape = graph.types[node.name].shape
                live[node.name] = multiply(step.product, operands[0]).reshape(len(x), *shape)
            else:
                live[node.name] = COMPUTE[node.op.name](node.op, *operands)
        for node in step.stage.nodes[:-1]:
            del live[node.name]
        for name in step.stage.inputs:
            if last[name] == index and name not in kept:
                del live[name]
    return live[graph.output].astype(np.int64)


def multiply(product: Product, maps: np.ndarray) -> np.ndarray:
    """int64 [B, positions, filters]: a layer's exact sums of `maps` int64 [B, ...]."""
    layer = product.layer
    activations_first = not product.weights_are_lhs
    left, right = (layer.activation, layer.weight) if activations_first else (layer.weight, layer.activation)
    pairs = wavefronts(left.bits, right.bits, left.signed, right.signed)
    groups = []
    for group in range(layer.groups):
        operand = layer.operand(maps, group)
        total = np.zeros((len(operand), layer.rows), dtype=np.int64)
        start = 0
        for run in product.slices:
            part = slice(start, start + run.k)
            planes = _planes(layer, operand[:, part], layer.codes[group, :, part])
            sums = run_array(*(planes if activations_first else planes[::-1]), pairs, layer.xnor)
            total += sums if activations_first else sums.T
            start += run.k
        groups.append(total)
    return layer.correct(np.stack(groups))


def _planes(layer: Layer, activations: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both operands as words. Bits beyond K are 0; under XNOR the weights' are 1, so that they never count."""
    a, w = (bit_planes(codes, coded.bits) for codes, coded in ((activations, layer.activation), (weights, layer.weight)))
    spare = activations.shape[1] % 64
    if layer.xnor and spare:
        w[..., -1] |= ~np.uint64((1 << spare) - 1)
    return a, w


def bit_planes(codes: np.ndarray, bits: int) -> np.ndarray:
    """uint64 words [bits, rows, words] of uint8 codes [rows, K]; words of the tile beyond K are all padding and left out."""
    return np.stack([pack_bits((codes >> plane) & 1) for plane in range(bits)])


def run_array(lhs: np.ndarray, rhs: np.ndarray, pairs: Iterable[PlanePair], xnor: bool) -> np.ndarray:
    """int32 accumulators [M, N] after all plane pairs of lhs words [w, M, W] and rhs words [a, N, W]."""
    if lhs.shape[1] > rhs.shape[1]:  # the longer operand lies along the fast axis; the array itself is symmetric
        swapped = [PlanePair(p.rhs, p.lhs, p.clear, p.shift, p.negate) for p in pairs]
        return run_array(rhs, lhs, swapped, xnor).T
    pairs = tuple(pairs)
    columns = np.ascontiguousarray(rhs.transpose(0, 2, 1))  # [a, W, N]
    step = max(64, _BLOCK_BYTES // (8 * lhs.shape[1]))
    blocks = [_accumulate(lhs, columns[..., k : k + step], pairs, xnor) for k in range(0, rhs.shape[1], step)]
    return np.concatenate(blocks, axis=1)


def _accumulate(lhs: np.ndarray, rhs: np.ndarray, pairs: tuple[PlanePair, ...], xnor: bool) -> np.ndarray:
    """The dot-product units on some columns: acc = (clear ? 0 : shift ? acc << 1 : acc) +- popcount, in int32."""
    acc = np.empty((lhs.shape[1], rhs.shape[2]), dtype=np.int32)
    met, ones = np.empty(acc.shape, dtype=np.uint64), np.empty(acc.shape, dtype=np.uint8)
    multiply_bits = np.bitwise_xor if xnor else np.bitwise_and
    for pair in pairs:
        if pair.clear:
            acc[...] = 0
        if pair.shift:
            np.left_shift(acc, 1, out=acc)
        add = np.subtract if pair.negate else np.add
        for word in range(lhs.shape[2]):
            l_bits = lhs[pair.lhs, :, word, None]
            l_bits = ~l_bits if xnor else l_bits  # xnor(l, r) = ~l ^ r
            multiply_bits(l_bits, rhs[pair.rhs, word], out=met)
            np.bitwise_count(met, out=ones)
            add(acc, ones, out=acc)
    return acc
