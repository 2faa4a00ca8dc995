"""The shop's OpenAPI document and the shop as it runs in three processes, held against each other with every check."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any


def test_the_shop_does_what_its_document_says(shop: Any, tmp_path: Path) -> None:
    options = ["--checks", "all", "-n", "10", "--seed", "1", "--no-color", "--generation-database", "none"]
    # Streams of things that happen have no end of their own.
    options += ["--header", "X-Request-Timeout: 2", "--exclude-path-regex", "/live$"]
    done = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), "run", f"{shop.url('front')}/openapi.json", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
