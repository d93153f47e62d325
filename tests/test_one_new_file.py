"""CONTRIBUTING's promise: a method is one file. (Ops: tests/ops; chips: tests/hwmodels/test_target.py.)"""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from neurobin import methods
from neurobin.cli import main
from neurobin.data import Dataset
from neurobin.exec import packed, reference
from neurobin.train import train_on
from neurobin.zoo.make import make

METHOD = '''
"""A throw-away method: ternary weights under signs."""

from __future__ import annotations

from dataclasses import replace

from neurobin.methods.bnn import METHOD as BNN
from neurobin.nets.ends import quant_conv, quant_linear
from neurobin.nets.vgg import Vgg
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.weights.ternary import TernaryWeights


CONV = quant_conv(TernaryWeights())
NETWORK = Vgg(hidden=CONV, activation=SignActivation, first=CONV, last=quant_linear(TernaryWeights()))
METHOD = replace(BNN, name="throwaway", title="Throw-away", build=NETWORK)
'''


def test_a_method_is_one_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "throwaway.py").write_text(METHOD, encoding="utf-8")
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "neurobin.methods.throwaway", raising=False)
    assert "throwaway" in methods.method_names()

    rng = np.random.default_rng(0)
    x = rng.integers(0, 17, (96, 8, 8, 1)).astype(np.uint8)
    data = Dataset("noise", x[:64], rng.integers(0, 3, 64), x[64:], rng.integers(0, 3, 32), classes=3, levels=17)
    result = train_on(methods.load_method("throwaway"), data, epochs=1, progress=False)
    entry = make(result, data, "a test")
    assert np.array_equal(packed.run(entry.deployed, x), reference.run(entry.deployed, x))
    assert entry.deployed.meta["method"] == "throwaway"

    monkeypatch.setattr(sys, "argv", ["neurobin", "methods", "--json"])
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    listed = json.loads(capsys.readouterr().out)["methods"]
    assert "throwaway" in {method["name"] for method in listed}
    sys.modules.pop("neurobin.methods.throwaway")
