"""Units on their own that find each other by a file: addresses move, versions differ, certificates are needed."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from calve.runtime.endpoints import write_endpoints
from calve.testing.certificates import Authority
from calve.transport.wire.frames import VERSION, Hello, encode_into

from ..till import write_till
from .conftest import Running, calve, calve_run, request, until


@pytest.fixture
def endpoints(tmp_path: Path) -> Path:
    """The discovery file of a test."""
    return tmp_path / "endpoints.json"


@contextlib.contextmanager
def unit(folder: Path, tmp: Path, name: str, endpoints: Path, **settings: str) -> Iterator[tuple[Running, str]]:
    """A unit on its own, as in a container. Yields it and its URL."""
    with calve_run(folder, tmp, "--unit", name, CALVE_DISCOVERY_FILE=str(endpoints), **settings) as running:
        yield running, running.line(r'"ready".*"url":"([^"]+)"')[1]


def answer(url: str) -> str:
    """What the desk says of the purse."""
    return str(request(f"{url}/answer").json())


def test_calls_follow_addresses_that_move(till: Path, short_tmp: Path, endpoints: Path) -> None:
    places = [f"unix:{short_tmp}/here.sock", f"unix:{short_tmp}/there.sock"]
    write_endpoints(endpoints, {"purse": places[:1]})
    with (
        unit(till, short_tmp, "money", endpoints, CALVE_UNIT_MONEY_LISTEN=places[0], CALVE_SERVICE_PURSE_COINS="1"),
        unit(till, short_tmp, "money", endpoints, CALVE_UNIT_MONEY_LISTEN=places[1], CALVE_SERVICE_PURSE_COINS="2"),
        unit(till, short_tmp, "front", endpoints) as (front, url),
    ):
        assert answer(url) == "1 coins"
        write_endpoints(endpoints, {"purse": places[1:]})
        until(lambda: answer(url) == "2 coins", "calls at the new address")
        assert [answer(url) for _ in range(5)] == ["2 coins"] * 5, "although the old one answers still"
        write_endpoints(endpoints, {"purse": places})
        until(lambda: {answer(url) for _ in range(4)} == {"1 coins", "2 coins"}, "calls at both")
        endpoints.write_text('{"services": {"purse": [')
        front.line(r'"level":"warning".*endpoints\.json is not usable')
        assert {answer(url) for _ in range(4)} == {"1 coins", "2 coins"}, "a bad file changes nothing"
        write_endpoints(endpoints, {"purse": []})
        nowhere = until(lambda: _problem(f"{url}/coins"), "the address to be gone")
        assert (nowhere["code"], nowhere["may_have_run"]) == ("unavailable", False)
        assert "no address is known for it" in nowhere["detail"]


def counted(url: str) -> float:
    """How many calls of the purse a unit has answered."""
    families = text_string_to_metric_families(request(f"{url}/metrics").body.decode())
    samples = next(f for f in families if f.name == "calve_operation_requests").samples
    return sum(s.value for s in samples if s.labels["operation"] == "coins")


def _problem(url: str) -> dict[str, object] | None:
    got = request(url, headers={"X-Request-Timeout": "0.2"})
    return dict(got.json()) if got.status == 503 else None


def test_another_version_of_the_contract_is_named_beside_ours(
    till: Path, tmp_path: Path, short_tmp: Path, endpoints: Path
) -> None:
    place = f"unix:{short_tmp}/versions.sock"
    write_endpoints(endpoints, {"purse": [place]})
    younger = write_till(tmp_path / "younger")
    purse = younger / "till" / "purse.py"
    purse.write_text(purse.read_text().replace('version="1.0"', 'version="2.0"'))
    both = "this unit serves Purse 1.0, the caller was built for Purse 2.0"
    with (
        unit(till, short_tmp, "money", endpoints, CALVE_UNIT_MONEY_LISTEN=place),
        unit(younger, short_tmp, "front", endpoints) as (_, url),
    ):
        called = calve(younger, "call", "purse.coins", "--endpoints", str(endpoints))
        assert (called.returncode, called.stdout) == (1, "")
        assert called.stderr == f"calve: error: purse.coins: unknown_operation: {both} (it did not run)\n"
        problem = request(f"{url}/coins").json()
        assert (problem["status"], problem["detail"]) == (404, both)
        # The desk did nothing wrong, and neither did whoever asked it.
        assert request(f"{url}/answer").status == 500
        minor = write_till(tmp_path / "minor") / "till" / "purse.py"
        minor.write_text(minor.read_text().replace('version="1.0"', 'version="1.7"'))
        assert calve(tmp_path / "minor", "call", "purse.coins", "--endpoints", str(endpoints)).stdout == "7\n"


def test_another_version_of_the_protocol_is_named_beside_ours(till: Path, short_tmp: Path, endpoints: Path) -> None:
    hello = bytearray(4)
    encode_into(Hello(VERSION + 1, 1 << 20, 16, "calve 9.0"), hello, 4)
    hello[:4] = (len(hello) - 4).to_bytes(4, "big")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{short_tmp}/old.sock")
        server.listen()
        write_endpoints(endpoints, {"purse": [f"unix:{short_tmp}/old.sock"]})

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(hello)
                while connection.recv(65536):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        called = calve(till, "call", "purse.coins", "--endpoints", str(endpoints))
        thread.join()
    assert (called.returncode, called.stdout, called.stderr.count("\n")) == (1, "", 1)
    assert f"speaks version {VERSION + 1} of the wire protocol, this side version {VERSION}" in called.stderr
    assert "run both with the same major version of Calve" in called.stderr
    assert "(it did not run)" in called.stderr


@pytest.fixture
def certificates(tmp_path: Path) -> dict[str, str]:
    """Settings that name certificates for 127.0.0.1."""
    options = Authority.new().options(tmp_path, "127.0.0.1")
    return {
        "CALVE_WIRE_TLS_CERT": options.cert,
        "CALVE_WIRE_TLS_KEY": options.key,
        "CALVE_WIRE_TLS_CA": options.ca,
    }


def free_port() -> int:
    """A port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_units_talk_over_tls_and_so_does_the_command(
    till: Path, tmp_path: Path, short_tmp: Path, endpoints: Path, certificates: dict[str, str]
) -> None:
    place = f"tls://127.0.0.1:{free_port()}"
    write_endpoints(endpoints, {"purse": [place]})
    (tmp_path / "other").mkdir()
    stranger = Authority.new("stranger").options(tmp_path / "other", "127.0.0.1")
    with (
        unit(till, short_tmp, "money", endpoints, CALVE_UNIT_MONEY_LISTEN=place, **certificates),
        unit(till, short_tmp, "front", endpoints, **certificates) as (_, url),
    ):
        assert answer(url) == "7 coins"
        command = ("call", "purse.coins", "--endpoints", str(endpoints), "--timeout", "1")
        assert calve(till, *command, **certificates).stdout == "7\n"
        unknown = {**certificates, "CALVE_WIRE_TLS_CERT": stranger.cert, "CALVE_WIRE_TLS_KEY": stranger.key}
        refused = calve(till, *command, **unknown)
        assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
        without = calve(till, *command)
        assert (without.returncode, without.stdout, without.stderr.count("\n")) == (1, "", 1)
        assert "certificate" in without.stderr


def test_a_supervised_run_needs_no_certificates_and_minds_none(
    till: Path, short_tmp: Path, certificates: dict[str, str]
) -> None:
    with calve_run(till, short_tmp, "-t", "split", **certificates) as running:
        assert answer(running.url("front", start=1)) == "7 coins"
        assert calve(till, "call", "purse.coins", **certificates).stdout == "7\n"
        assert running.stop() == 0


def test_replicas_share_the_calls_and_one_that_dies_is_missed_by_nobody(till: Path, short_tmp: Path) -> None:
    with (till / "calve.toml").open("a") as file:
        file.write("[unit.money]\nreplicas = 2\n")
    with calve_run(till, short_tmp, "-t", "split") as running:
        url = running.url("front", start=1)
        replicas = [running.url(f"money.{n}", start=1) for n in (1, 2)]

        until(lambda: answer(url) and min(map(counted, replicas)), "calls at both")
        before = list(map(counted, replicas))
        assert {answer(url) for _ in range(10)} == {"7 coins"}
        shares = [counted(replica) - n for replica, n in zip(replicas, before, strict=True)]
        assert sum(shares) == 10
        assert min(shares) >= 3, "a replica that is young takes a little less than its share"
        running.signal("money.1", signal.SIGKILL)
        running.line(r"money\.1 was killed \(SIGKILL\); restarting")
        assert {answer(url) for _ in range(20)} == {"7 coins"}
        back = running.url("money.1", start=2)
        until(lambda: answer(url) and counted(back), "calls at the one that is back")
        assert running.stop() == 0
