"""The intermediate representation: element types, packed tensors, ops' interface, immutable graphs, text and file form."""

from neurobin.ir.bits import BitTensor, IntTensor, Packed, pack, pack_bits, unpack_bits
from neurobin.ir.builder import Builder
from neurobin.ir.dtype import BINARY, BIPOLAR, FLOAT32, FLOAT64, TERNARY, DType, Encoding, int_for, parse_dtype
from neurobin.ir.graph import Graph, Json, Node
from neurobin.ir.op import Op, per_channel, tally, to_packed
from neurobin.ir.text import to_text
from neurobin.ir.types import Constant, TensorType, parse_type
from neurobin.ir.work import Work, WorkKey

__all__ = [
    "BINARY",
    "BIPOLAR",
    "FLOAT32",
    "FLOAT64",
    "TERNARY",
    "BitTensor",
    "Builder",
    "Constant",
    "DType",
    "Encoding",
    "Graph",
    "IntTensor",
    "Json",
    "Node",
    "Op",
    "Packed",
    "TensorType",
    "Work",
    "WorkKey",
    "int_for",
    "pack",
    "pack_bits",
    "parse_dtype",
    "parse_type",
    "per_channel",
    "tally",
    "to_packed",
    "to_text",
    "unpack_bits",
]
