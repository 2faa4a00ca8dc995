"""The shop's own OpenAPI document against the shop as three processes, by Schemathesis with every check it has.

anything     whatever the document allows and forbids; customers and orders nobody knows
known        the same with a customer, an order and a product that exist, so that more than a 404 is seen
live         the stream that never ends by itself, with a deadline after which it does
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .conftest import Running, environment, open_wallet, place_order, request

LIVE = "/customers/{customer}/notices/live"
RUNS = {
    "anything": ("-n", "6", "--exclude-path", LIVE),
    "known": ("-n", "6", "--exclude-path", LIVE, "--phases", "fuzzing,stateful"),
    "live": ("-n", "2", "--include-path", LIVE, "--phases", "fuzzing", "--header", "X-Request-Timeout: 1.1"),
}
REUSED_KEYS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "422", "429"]
"""
"""It makes up few idempotency keys and gives them to different requests, which a schema cannot forbid."""


def _known(url: str) -> str:
    """Settings of Schemathesis that name what exists: an order that has been shipped, so that watching it ends."""
    customer = open_wallet(url, 10_000_000)
    order = place_order(url, customer).json()["id"]
    assert request(f"{url}/orders/{order}/shipment", "POST").status == 200
    values = {"owner": customer, "customer": customer, "order": order, "sku": "KIT-00000"}
    return "[parameters]\n" + "".join(f'"path.{name}" = "{value}"\n' for name, value in values.items())


def _schemathesis(folder: Path, url: str, *options: str) -> subprocess.CompletedProcess[str]:
    always = ("--checks", "all", "--seed", "1", "--generation-database", "none", "--no-color")
    program = Path(sys.executable).with_name("schemathesis")
    return subprocess.run(
        [str(program), "run", f"{url}/openapi.json", *always, *options],
        cwd=folder,
        env=environment(PYTHONWARNINGS=""),
        capture_output=True,
        text=True,
        check=False,
    )


def test_document_and_shop_agree(shop: Running, tmp_path: Path) -> None:
    url = shop.url("front")
    for name in RUNS:
        (tmp_path / name).mkdir()
        settings = _known(url) if name == "known" else ""
        (tmp_path / name / "schemathesis.toml").write_text(settings + REUSED_KEYS)
    with ThreadPoolExecutor() as threads:
        runs = {name: threads.submit(_schemathesis, tmp_path / name, url, *RUNS[name]) for name in RUNS}
    for name, run in runs.items():
        assert run.result().returncode == 0, f"{name}\n{run.result().stdout}{run.result().stderr}"
    assert not [line for line in shop.lines if '"level":"error"' in line]
