"""`import reco` costs nothing, and gives what it lists."""

from __future__ import annotations

import json

import reco
from tests.support import python

HEAVY = {"numpy", "pandas", "torch", "pydantic", "pyarrow", "faiss", "typer", "streamlit"}


def test_importing_reco_imports_no_library() -> None:
    ran = python("-c", "import sys, json, reco; print(json.dumps([*sys.modules]))")
    loaded = set(ran.json)
    assert "reco" in loaded and not {name.split(".")[0] for name in loaded} & HEAVY
    assert {name for name in loaded if name.startswith("reco.")} == {"reco.version"}


def test_opening_a_home_loads_no_model() -> None:
    code = "import sys, reco; reco.open('/nowhere'); print('torch' in sys.modules, 'pandas' in sys.modules)"
    assert python("-c", code).out.split() == ["False", "False"]


def test_threads_are_set_before_any_library_can_read_it() -> None:
    code = "import os, json, reco; print(json.dumps([os.environ[n] for n in ('OMP_WAIT_POLICY', 'OPENBLAS_NUM_THREADS')]))"
    assert python("-c", code).json == ["PASSIVE", "1"]
    assert json.loads(python("-c", code, OPENBLAS_NUM_THREADS="4").out)[1] == "4"


def test_every_public_name_is_there() -> None:
    for name in reco.__all__:
        assert (
            getattr(reco, name).__module__.startswith("reco") if name != "__version__" else reco.__version__
        )
    assert not hasattr(reco, "nothing")
