"""A bounded run of the fuzzer; for a long one, run fuzz_wire.py itself."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

RUNS = 20_000
SEED = 7


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="only on Python 3.11: atheris has no wheels for others")
def test_the_fuzzer_finds_nothing(tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("needs atheris: pip install atheris")
    script = Path(__file__).with_name("fuzz_wire.py")
    done = subprocess.run(
        [
            sys.executable,
            str(script),
            f"-runs={RUNS}",
            f"-seed={SEED}",
            "-max_len=400",
            f"-artifact_prefix={tmp_path}/",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"Done {RUNS} runs" in done.stderr
