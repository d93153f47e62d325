"""The part of TensorFlow Lite's schema that is read: slots of tables, names of operators, and the options that matter.

Numbers are those of tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3. Slots are named as there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

VERSION: Final = 3
IDENTIFIER: Final = b"TFL3"


class Slot:
    """Places of fields in their tables."""

    MODEL_VERSION, MODEL_CODES, MODEL_SUBGRAPHS, MODEL_DESCRIPTION, MODEL_BUFFERS = range(5)
    CODE_OLD, CODE_CUSTOM, CODE_VERSION, CODE_BUILTIN = range(4)
    GRAPH_TENSORS, GRAPH_INPUTS, GRAPH_OUTPUTS, GRAPH_OPERATORS = range(4)
    TENSOR_SHAPE, TENSOR_TYPE, TENSOR_BUFFER, TENSOR_NAME, TENSOR_QUANTIZATION, TENSOR_VARIABLE, TENSOR_SPARSITY = range(7)
    SCALE, ZERO_POINT, DETAILS_TYPE, QUANTIZED_AXIS = 2, 3, 4, 6
    OP_CODE, OP_INPUTS, OP_OUTPUTS, OP_OPTIONS_TYPE, OP_OPTIONS, OP_CUSTOM = range(6)
    OP_LARGE_OPTIONS = 9
    BUFFER_DATA, BUFFER_OFFSET = range(2)


KINDS: dict[int, np.dtype] = {
    0: np.dtype("<f4"),
    1: np.dtype("<f2"),
    2: np.dtype("<i4"),
    3: np.dtype("u1"),
    4: np.dtype("<i8"),
    6: np.dtype("?"),
    7: np.dtype("<i2"),
    9: np.dtype("i1"),
    10: np.dtype("<f8"),
    12: np.dtype("<u8"),
    15: np.dtype("<u4"),
    16: np.dtype("<u2"),
}
OTHER_KINDS = {5: "text", 8: "complex64", 11: "complex128", 13: "resource", 14: "variant", 17: "int4"}

CUSTOM: Final = 32
# In the order of their numbers, from 0 on; newer ones are named by number.
_BUILTIN_NAMES = """
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR
FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM
MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS
SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND
TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT
LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL
LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW
ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV
REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS
SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG
ROUND HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM
BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS
HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE
ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU DYNAMIC_UPDATE_SLICE
RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST
BITWISE_XOR RIGHT_SHIFT
"""
BUILTINS = tuple(_BUILTIN_NAMES.split())


@dataclass(frozen=True)
class Option:
    """A field of an operator's options: its slot, numpy type and default."""

    slot: int
    kind: str
    default: int | float = 0


_FUSED = "fused_activation_function"
_STRIDES = {"padding": Option(0, "i1"), "stride_width": Option(1, "<i4"), "stride_height": Option(2, "<i4")}
_POOL = {**_STRIDES, "filter_width": Option(3, "<i4"), "filter_height": Option(4, "<i4"), _FUSED: Option(5, "i1")}

# operator: (number of its options in the union, the options); those without an entry have none that matter
OPTIONS: dict[str, tuple[int, dict[str, Option]]] = {
    "CONV_2D": (
        1,
        {
            **_STRIDES,
            _FUSED: Option(3, "i1"),
            "dilation_width_factor": Option(4, "<i4", 1),
            "dilation_height_factor": Option(5, "<i4", 1),
        },
    ),
    "DEPTHWISE_CONV_2D": (
        2,
        {
            **_STRIDES,
            "depth_multiplier": Option(3, "<i4"),
            _FUSED: Option(4, "i1"),
            "dilation_width_factor": Option(5, "<i4", 1),
            "dilation_height_factor": Option(6, "<i4", 1),
        },
    ),
    "MAX_POOL_2D": (5, _POOL),
    "AVERAGE_POOL_2D": (5, _POOL),
    "FULLY_CONNECTED": (8, {_FUSED: Option(0, "i1"), "weights_format": Option(1, "i1")}),
    "SOFTMAX": (9, {"beta": Option(0, "<f4")}),
    "CONCATENATION": (10, {"axis": Option(0, "<i4"), _FUSED: Option(1, "i1")}),
    "ADD": (11, {_FUSED: Option(0, "i1")}),
    "MUL": (21, {_FUSED: Option(0, "i1")}),
    "SUB": (28, {_FUSED: Option(0, "i1")}),
    "SPLIT": (35, {"num_splits": Option(0, "<i4")}),
    "MEAN": (27, {"keep_dims": Option(0, "u1")}),
    "LEAKY_RELU": (75, {"alpha": Option(0, "<f4")}),
}

# Larq Compute Engine's operators, and the options that each must have (larq_compute_engine/tflite/kernels).
LCE_OPTIONS: dict[str, tuple[str, ...]] = {
    "LceQuantize": (),
    "LceDequantize": (),
    "LceBconv2d": (
        "stride_height",
        "stride_width",
        "dilation_height_factor",
        "dilation_width_factor",
        "padding",
        "pad_values",
        "channels_in",
        _FUSED,
    ),
    "LceBMaxPool2d": ("filter_height", "filter_width", "stride_height", "stride_width", "padding"),
}
