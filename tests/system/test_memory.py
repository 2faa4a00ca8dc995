"""What a run takes of a machine's memory when nothing happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import calve_run, copy_shop, open_wallet, place_order, request

MIB = 1 << 20
UNIT_MIB_MAX = 120
SUPERVISOR_MIB_MAX = 40


def resident_mib(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024 / MIB


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only on Linux: reads /proc")
def test_the_shop_in_one_process_is_small(tmp_path: Path, short_tmp: Path) -> None:
    products = {"CALVE_SERVICE_CATALOG_PRODUCTS": "3000", "CALVE_SERVICE_INVENTORY_PRODUCTS": "3000"}
    with calve_run(copy_shop(tmp_path), short_tmp, **products) as shop:
        url = shop.line(r'"shop is ready on (http://[^ "]+) after')[1]
        customer = open_wallet(url, 10_000_000)  # everything has been used once, and what is loaded late is there
        assert place_order(url, customer).status == 201
        for page in ("/products?query=red", "/openapi.json", "/docs", "/metrics", "/health/ready"):
            request(f"{url}{page}")
        unit, supervisor = resident_mib(shop.pid("shop")), resident_mib(shop.process.pid)
        assert shop.stop() == 0
    assert unit < UNIT_MIB_MAX
    assert supervisor < SUPERVISOR_MIB_MAX
