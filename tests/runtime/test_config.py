"""calve.toml as a whole: what it means, and one clear error for everything that can be wrong in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from calve.core.errors import ConfigError
from calve.core.settings import Secret, Settings
from calve.runtime.config import find_config, load_config, prefer_root

from .conftest import PROJECT, MakeConfig


class WalletSettings(Settings):
    overdraft_cents: int = 0
    api_key: Secret


def test_the_smallest_project(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(project='[app]\nname = "shop"\nservices = ["wallet"]\n')
    assert config.root == tmp_path
    assert config.services == {"wallet": "wallet"}
    assert list(config.topologies) == ["one"]
    assert config.topology().units[0].name == "shop"
    assert config.http.port == 8000
    assert config.store_url("wallet") == f"sqlite:///{tmp_path}/data/wallet.db"


def test_values_are_read_and_overridden(make_config: MakeConfig) -> None:
    more = "[http]\nport = 9000\nserver = 'uvicorn'\n[unit.money]\nlisten = 'tcp://0.0.0.0:7000'\n"
    config = make_config(more, CALVE_HTTP_PORT="9001", CALVE_UNIT_GOODS_REPLICAS="2")
    assert (config.http.port, config.http.server) == (9001, "uvicorn")
    assert config.units["money"].listen == "tcp://0.0.0.0:7000"
    assert config.units["goods"].replicas == 2
    assert config.services["orders"] == "shop.orders"


def test_services_have_settings(make_config: MakeConfig) -> None:
    config = make_config("[service.wallet]\noverdraft_cents = 5\n", CALVE_SERVICE_WALLET_API_KEY="k")
    loaded = config.reader.load("service.wallet", WalletSettings)
    assert loaded == WalletSettings(overdraft_cents=5, api_key=Secret("k"))


def test_middleware_and_the_authenticator_have_sections_of_their_own(make_config: MakeConfig) -> None:
    sections = "[middleware.audit]\nlevel = 1\n[authenticator]\nkey = 'k'\n[http]\nauthenticator = 'shop.login:Login'\n"
    config = make_config(sections, CALVE_APP_MIDDLEWARE='["shop.trail:Audit", "shop.gate:doorman"]')
    assert config.middleware == {"audit": "shop.trail:Audit", "doorman": "shop.gate:doorman"}
    with pytest.raises(ConfigError, match=r"toml:9: \[middleware.audit\]: no middleware 'audit'; known: doorman"):
        make_config(sections, CALVE_APP_MIDDLEWARE='["shop.gate:doorman"]')
    with pytest.raises(ConfigError, match=r"two middleware named 'audit': 'shop.trail:Audit' and 'shop.gate:audit'"):
        make_config("", CALVE_APP_MIDDLEWARE='["shop.trail:Audit", "shop.gate:audit"]')
    with pytest.raises(
        ConfigError, match=r"toml:9: \[authenticator\] has settings, but \[http\] authenticator names none"
    ):
        make_config("[authenticator]\nkey = 'k'\n")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///data/{service}.db", "{root}/data/wallet.db"),
        ("sqlite:////var/{service}/data.db", "/var/wallet/data.db"),
    ],
)
def test_stores_are_found_from_the_folder_of_the_file(make_config: MakeConfig, url: str, path: str) -> None:
    config = make_config(f"[store]\nurl = '{url}'\n")
    assert config.store_url("wallet") == "sqlite:///" + path.format(root=config.root)


def test_the_nearest_file_upwards_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "calve.toml").write_text(PROJECT)
    assert find_config(inner) == tmp_path / "calve.toml"
    monkeypatch.chdir(inner)
    assert load_config(environ={}).root == tmp_path
    (tmp_path / "a" / "calve.toml").touch()
    assert find_config(inner) == tmp_path / "a" / "calve.toml"


def test_no_file_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"no calve\.toml in {tmp_path} or above; .*--config.*`calve new`"):
        find_config(tmp_path)


def test_the_environment_of_the_process_is_the_default(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_config().file.path
    monkeypatch.setenv("CALVE_HTTP_PORT", "9009")
    assert load_config(path).http.port == 9009


def test_the_project_is_imported_from_its_folder(make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config()
    monkeypatch.setattr(sys, "path", ["elsewhere"])
    prefer_root(config)
    prefer_root(config)
    assert sys.path == [str(config.root), "elsewhere"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("[htpp]\nport = 1\n", r"toml:9: \[htpp\] is not a section; did you mean 'http'\?"),
        ("[http]\nprot = 1\n", r"toml:10: \[http\] prot is not a setting; did you mean 'port'\?"),
        ("[http]\nport = 70000\n", r"toml:10: \[http\] port: expected `int` <= 65535 \(port of the edge unit"),
        ("[http]\nport = '80'\n", r"toml:10: \[http\] port: expected `int`, got `str`"),
        ("[http]\nserver = 'gunicorn'\n", r"toml:10: .*'gunicorn' is not one of the choices; .*calve, granian"),
        ("[http]\nedge = 'font'\n", r"toml:10: \[http\] edge: no unit 'font'; did you mean 'front'\?"),
        ("[run]\ntopology = 'spilt'\n", r"toml:10: no topology 'spilt'; did you mean 'split'\?"),
        ("[run]\ngrace_seconds = nan\n", r"toml:10: \[run\] grace_seconds: expected"),
        ("[run]\ngrace_seconds = inf\n", r"toml:10: \[run\] grace_seconds: expected `float` <= 3600"),
        ("[service.walet]\nx = 1\n", r"toml:9: \[service.walet\]: no service 'walet'; did you mean 'wallet'\?"),
        ("[unit.mony]\nreplicas = 1\n", r"toml:9: \[unit.mony\]: no unit 'mony'; did you mean 'money'\?"),
        ("[unit.money]\nlisten = 'money:7000'\n", r"toml:10: \[unit.money\] listen: expected `str` matching regex"),
        (
            "[store]\nurl = 'mongodb://me:hunter2@host'\n",
            r"toml:10: \[store\] url: no store for 'mongodb'; known",
        ),
        ("[store]\nurl = 'sqlite://'\n", r"toml:10: \[store\] url names no file; write sqlite:///data/\{service\}\.db"),
        ("[store]\nurl = 'sqlite:///all.db'\n", r"toml:10: .* same for all services, .*; put \{service\} into"),
        ("[wire]\ntls_cert = 'c.pem'\n", r"toml:9: \[wire\] tls_key is not set; set tls_cert, tls_key and tls_ca"),
        (
            "[wire]\ntls_cert = 'c.pem'\ntls_key = 'k.pem'\ntls_ca = 'a.pem'\n",
            r"toml:10: \[wire\] tls_cert: .*/c\.pem is not a file",
        ),
        ("[unit.money]\nlisten = 'tls://a:1'\n", r"toml:10: tls://a:1 needs a certificate; set \[wire\] tls_cert"),
        ("[wire]\nlisten = 'tls://a:1'\n", r"toml:10: tls://a:1 needs a certificate"),
        ("[log]\nlevel = 'warn'\n", r"toml:10: .*'warn' is not one of the choices; did you mean 'warning'\?"),
    ],
)
def test_one_line_for_what_is_wrong(make_config: MakeConfig, more: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        make_config(more)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("app", "message"),
    [
        ("", r"toml: \[app\] name is not set; set CALVE_APP_NAME in the environment, or"),
        ("[app]\nname = 'shop'", r"toml:1: \[app\] services is empty; write services = .*, or adopt"),
        ("[app]\nname = 'Shop'\nservices = ['a']", r"toml:2: \[app\] name: .*lower case"),
        ("[app]\nname = 'shop'\nservices = []", r"toml:3: \[app\] services is empty"),
        ("[app]\nname = 'shop'\nservices = ['shop-a']", r"toml:3: 'shop-a' is not a package; write for example"),
        (
            "[app]\nname = 'shop'\nservices = ['a.x', 'b.x']",
            r"toml:3: two services named 'x': 'a\.x' and 'b\.x'; rename",
        ),
        ("[app]\nname = 'shop'\nservices = ['a.x', 'a.x']", r"toml:3: two services named 'x': 'a\.x' twice"),
        ("app = 5", r"toml:1: app is not a table; write \[app\]"),
    ],
)
def test_one_line_for_what_is_wrong_with_the_app(make_config: MakeConfig, app: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_config(project=app)


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("CALVE_HTTP_PROT", r"CALVE_HTTP_PROT: not a setting; did you mean 'CALVE_HTTP_PORT'"),
        ("CALVE_RUN_GRACE", r"CALVE_RUN_GRACE: not a setting; did you mean 'CALVE_RUN_GRACE_SECONDS'"),
    ],
)
def test_a_variable_that_looks_like_ours_and_is_none(make_config: MakeConfig, variable: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_config(**{variable: "1"})


def test_variables_that_cannot_be_judged_are_left_alone(make_config: MakeConfig) -> None:
    others = {"CALVE_SERVICE_HOST": "10.0.0.1", "CALVE_UNIT_OTHER_LISTEN": "x", "CALVE_REQUIRE_SERVICES": "1"}
    assert make_config(**others, HTTP_PORT="x").http == make_config().http


def topology_of(config: Any, unit: str, name: str | None = None) -> str:
    return str(config.topology_of_unit(unit, name).name)


def test_a_unit_alone_finds_its_topology(make_config: MakeConfig) -> None:
    more = "[topology.other]\nmoney = ['*']\n[topology.duo]\nfront = ['orders']\nrest = ['*']\n"
    config = make_config(more)
    assert topology_of(config, "shop") == "one", "the default has it"
    assert topology_of(config, "goods") == "split", "only one has it"
    assert topology_of(config, "money", "other") == "other", "as asked"
    with pytest.raises(
        ConfigError, match=r"--unit: unit 'money' is in several topologies: split, other; add --topology"
    ):
        config.topology_of_unit("money")
    with pytest.raises(ConfigError, match=r"--unit: no topology has a unit 'fornt'; did you mean 'front'\?"):
        config.topology_of_unit("fornt")
    with pytest.raises(ConfigError, match=r"--unit: topology 'split' has no unit 'shop'; known: front, goods, money"):
        config.topology_of_unit("shop", "split")
    with pytest.raises(ConfigError, match=r"--topology: no topology 'spilt'; did you mean 'split'\?"):
        config.topology("spilt")


def test_the_edge_is_the_named_unit_where_there_is_one(make_config: MakeConfig) -> None:
    config = make_config("[http]\nedge = 'money'\n")
    assert config.edge(config.topologies["split"]) == "money"
    assert config.edge(config.topologies["one"]) == "shop"
    config = make_config()
    assert config.edge(config.topologies["split"]) == "front"


def test_the_owner_of_a_service_stands_beside_its_own_settings(make_config: MakeConfig) -> None:
    more = '[service.wallet]\nowner = "team-payments"\noverdraft_cents = 5\n'
    config = make_config(more, CALVE_SERVICE_ORDERS_OWNER="team-desk")
    owners = {name: settings.owner for name, settings in config.service.items()}
    assert owners == {"catalog": "", "orders": "team-desk", "wallet": "team-payments"}


def test_accepted_violations_are_read_and_each_needs_a_reason(make_config: MakeConfig) -> None:
    accept = '[[check.accept]]\nrule = "import"\nwhat = "a -> b"\n'
    assert make_config(f'{accept}reason = "until May"').check.accept[0].reason == "until May"
    with pytest.raises(ConfigError, match=r"\[check\] accept: .*`reason`"):
        make_config(accept)
