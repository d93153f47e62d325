"""Ways to damage a Keras network: the bytes of its HDF5 file, its description in JSON, and the description's own parts.

    python -m tests.frontend.keras.mutate bytes 0 400

makes that many changes from that number on, each made of its number alone, and prints what became of them as JSON: a graph,
the class of a refusal, `signal N` where the HDF5 library fell over (in the helper process, so a user is told that), or the
text of an error that nobody expected. `bytes` are read in forks of this process, as the helper reads them in one of its own;
`text` and `parts` change the description.
"""

from __future__ import annotations

import copy
import io
import json
import os
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurobin.errors import NeurobinError
from neurobin.frontend.hdf5 import helper
from neurobin.frontend.hdf5.reading import REFUSED, UNREADABLE, _unpacked
from neurobin.frontend.keras import from_content
from neurobin.frontend.keras.convert import RULES, check, to_graph
from neurobin.frontend.keras.describe import describe
from neurobin.frontend.keras.reader import model_of
from neurobin.frontend.keras.saved import Saved
from neurobin.frontend.keras.weights import by_group
from neurobin.frontend.limits import DEFAULT
from neurobin.ir.container import parse_json
from tests.frontend.keras.build import conv, functional, layer, small, write

SECONDS = 10
VALUES = (
    *(None, True, -1, 0, 1, 2, 3, 7, 2**31, 2**63, -0.5, 1.5, 1e30, "", "same", "x", "ste_sign", [], [1], [2, 2], {}),
    [[1, 0], [0, 2]],
    {"class_name": "DoReFa", "config": {"k_bit": 3}},
    [["image", 0, 0, {}]],
    [[["norm", 0, 0, {}]]],
)


def several() -> tuple[Any, dict[str, dict[str, np.ndarray]]]:
    """The small network, with layers that join, pad, pool and split beside its own."""
    config, weights = small()
    layers = config["config"]["layers"]
    split = layer("TFOpLambda", "split", function="split")
    split["inbound_nodes"] = [["prelu", 0, 0, {"num_or_size_splits": 2, "axis": -1}]]
    extra = [
        layer("PReLU", "prelu", "binary", shared_axes=[1, 2]),
        split,
        layer("Concatenate", "concat", ("split", 0, 1), ("split", 0, 0), axis=-1),
        layer("ZeroPadding2D", "pad", "concat", padding=[[1, 0], [0, 1]]),
        layer("AveragePooling2D", "average", "pad", pool_size=[2, 2], strides=[2, 2], padding="same"),
        conv("planes", "average", 4, 1, kernel_quantizer={"class_name": "DoReFa", "config": {"k_bit": 2, "mode": "weights"}},
             input_quantizer={"class_name": "SteTern", "config": {"threshold_value": 0.1}}),
        layer("Add", "add", "planes", "average"),
        layer("ReLU", "rectifier", "add", max_value=4.0, negative_slope=0.1),
    ]  # fmt: skip
    layers[4]["inbound_nodes"] = [[["rectifier", 0, 0, {}]]]
    layers[4:4] = extra
    rng = np.random.default_rng(1)
    weights |= {"prelu": {"alpha": rng.uniform(0, 1, (1, 1, 4))}, "planes": {"kernel": rng.normal(size=(1, 1, 4, 4))}}
    return functional(*layers), weights


def change_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    """One to three numbers, bits, cuts or insertions; now and then a truncation."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        at, kind = int(rng.integers(8, len(changed))), int(rng.integers(5))
        if kind == 0:
            changed[at] ^= 1 << int(rng.integers(8))
        elif kind < 3:
            changed[at : at + 4] = int(rng.choice([0, 1, 255, 2**16, 2**31, 2**32 - 1])).to_bytes(4, "little")
        elif kind == 3:
            del changed[at : at + int(rng.integers(1, 9))]
        else:
            changed[at:at] = rng.bytes(int(rng.integers(1, 9)))
    if rng.random() < 0.05:
        del changed[int(rng.integers(8, len(changed))) :]
    return bytes(changed)


def change_text(data: bytes, rng: np.random.Generator) -> bytes:
    """One or two changes of a description's letters."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 3))):
        at = int(rng.integers(len(changed)))
        if rng.random() < 0.5:
            changed[at] = int(rng.choice(list(b'0129-.eE"[]{},:tfn\\ \xff')))
        else:
            del changed[at : at + int(rng.integers(1, 6))]
    return bytes(changed)


def change_parts(config: Any, rng: np.random.Generator) -> bytes:
    """One or two parts of a description become another value, a part of elsewhere, or disappear."""
    changed = copy.deepcopy(config)
    for _ in range(int(rng.integers(1, 3))):
        places = list(_places(changed))
        if rng.random() < 0.7:
            places = [place for place in places if not isinstance(place[0][place[1]], dict | list)]
        holder, key = places[int(rng.integers(len(places)))]
        kind = int(rng.integers(4))
        if kind == 0:
            del holder[key]
        elif kind == 1 and key == "class_name":
            holder[key] = str(rng.choice(list(RULES)))
        elif kind == 2:
            other, name = places[int(rng.integers(len(places)))]
            holder[key] = copy.deepcopy(other[name]) if name in other or isinstance(other, list) else None
        else:
            holder[key] = VALUES[int(rng.integers(len(VALUES)))]
    return json.dumps(changed).encode()


def _places(value: Any) -> Any:
    """Every (holder, key) within."""
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        for key in [*holder] if isinstance(holder, dict) else range(len(holder)):
            yield holder, key
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])


def _graph_of(data: bytes, content: Any) -> str:
    """What becomes of a description, with the weights of the whole one."""
    model = model_of(parse_json(data, "description"), "2.15.0", DEFAULT)
    describe(Saved(model, "description", None, dict))
    check(model)
    to_graph(model, by_group(model.layers, content, "model_weights"))
    return "graph"


def _forked(data: bytes) -> str:
    """What becomes of the bytes of a file, read by the library in a process of its own."""
    read, written = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(SECONDS)
        os.write(written, outcome(lambda: _read(data)).encode()[:4000])
        os._exit(0)
    os.close(written)
    with os.fdopen(read, "rb") as said:
        text = said.read().decode()
    status = os.waitpid(child, 0)[1]
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else text


def _read(data: bytes) -> str:
    """As the helper's `main` and its caller, in one process."""
    sys.stdin, sys.stdout, sys.stderr = (io.TextIOWrapper(io.BytesIO(one)) for one in (data, b"", b""))
    out = sys.stdout
    try:
        helper.main("-", json.dumps(vars(DEFAULT)))
    except SystemExit as stop:
        return "FormatError" if stop.code in (REFUSED, UNREADABLE) else f"ends with {stop.code}"
    from_content(_unpacked(out.buffer.getvalue()), None, DEFAULT)
    return "graph"


def outcome(attempt: Any) -> str:
    """A graph, a refusal by its class, or what nobody expected."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return str(attempt())
        except NeurobinError as error:
            return type(error).__name__ if len(str(error)) < 8000 else f"a long message: {str(error)[:200]}"
        except Exception as error:
            import traceback

            return f"{type(error).__name__}: {error} {traceback.format_exc()[-600:]}"


def main(kind: str, first: int, count: int) -> None:
    config, weights = several() if kind != "bytes" else small()
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "net.h5", config, weights)
        data = path.read_bytes()
        with h5py.File(path) as file:
            found = helper.collect(file, DEFAULT)
    out = helper_output(found)
    content = _unpacked(out)
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for number in range(first, first + count):
        rng, begin = np.random.default_rng(number), time.process_time()
        if kind == "bytes":
            said = _forked(change_bytes(data, rng))
        else:
            changed = change_text(json.dumps(config).encode(), rng) if kind == "text" else change_parts(config, rng)
            said = outcome(lambda changed=changed: _graph_of(changed, content))
        outcomes[said if len(said) < 30 else f"{number}: {said}"] += 1
        slowest = max(slowest, time.process_time() - begin)
    print(json.dumps({"outcomes": outcomes, "slowest": slowest}))


def helper_output(found: helper.Found) -> bytes:
    said = json.dumps([found.texts, found.attributes]).encode()
    arrays = helper.arrange({**found.arrays, helper.TEXTS: np.frombuffer(said, np.uint8)})
    return b"".join(helper.write_container({}, arrays))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
