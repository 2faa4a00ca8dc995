"""Settings: where values come from, what is wrong with them, and that secrets stay in none of the errors."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.core.errors import ConfigError
from calve.core.settings import Secret, Settings, SettingsReader, describe_settings, env_name, option
from calve.core.toml import TomlFile

SECTION = "service.wallet"
TEXT = "hunter2-very-secret"


class Limits(msgspec.Struct, frozen=True):
    daily: int
    single: int = 5


class WalletSettings(Settings):
    overdraft_cents: Annotated[int, option("how far below zero", unit="cents", ge=0)] = 0
    api_key: Secret
    mode: Literal["live", "test"] = "live"
    timeout: timedelta = timedelta(seconds=1)
    ratio: float = 0.5
    strict: bool = False
    region: str | None = None
    backup_key: Secret | None = None
    folder: Path = Path("x")
    tags: tuple[str, ...] = ()
    limits: Limits = Limits(daily=1)
    keys: list[Secret] = msgspec.field(default_factory=list)


def reader(folder: Path, toml: str = "", **environ: str) -> SettingsReader:
    secrets = folder / "secrets"
    secrets.mkdir(exist_ok=True)
    path = folder / "calve.toml"
    path.write_text(f"[service.wallet]\n{toml}\n", encoding="utf-8")
    return SettingsReader(TomlFile.read(path), {"CALVE_SECRETS_DIR": str(secrets), **environ})


def load(folder: Path, toml: str = "", **environ: str) -> WalletSettings:
    environ.setdefault("CALVE_SERVICE_WALLET_API_KEY", TEXT)
    return reader(folder, toml, **environ).load(SECTION, WalletSettings)


def test_precedence_is_environment_secret_file_calve_toml_default(tmp_path: Path) -> None:
    variable = "CALVE_SERVICE_WALLET_OVERDRAFT_CENTS"
    assert load(tmp_path).overdraft_cents == 0
    assert load(tmp_path, "overdraft_cents = 1").overdraft_cents == 1
    (tmp_path / "secrets" / "service_wallet_overdraft_cents").write_text("2\n")
    assert load(tmp_path, "overdraft_cents = 1").overdraft_cents == 2
    assert load(tmp_path, "overdraft_cents = 1", **{variable: "3"}).overdraft_cents == 3


def test_a_missing_one_names_all_three_places(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        reader(tmp_path, "overdraft_cents = 1").load(SECTION, WalletSettings)
    message = str(caught.value)
    assert "[service.wallet] api_key is not set" in message
    assert "CALVE_SERVICE_WALLET_API_KEY" in message
    assert str(tmp_path / "secrets" / "service_wallet_api_key") in message
    assert f"api_key under [service.wallet] in {tmp_path / 'calve.toml'}" in message
    assert message.startswith(f"{tmp_path / 'calve.toml'}:1: ")


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("mode", "test", "test"),
        ("timeout", "PT3S", timedelta(seconds=3)),
        ("ratio", "2", 2.0),
        ("strict", "true", True),
        ("strict", "0", False),
        ("region", "eu", "eu"),
        ("region", "null", "null"),
        ("region", "", None),
        ("backup_key", "", None),
        ("backup_key", "k", Secret("k")),
        ("tags", '["a", "b"]', ("a", "b")),
        ("limits", '{"daily": 7}', Limits(daily=7)),
        ("keys", '["a"]', [Secret("a")]),
        ("api_key", "42", Secret("42")),
    ],
)
def test_text_is_read_as_the_annotated_type(tmp_path: Path, field: str, text: str, value: Any) -> None:
    settings = load(tmp_path, **{env_name(SECTION, field): text})
    assert getattr(settings, field) == value


def test_toml_values_are_taken_as_they_are(tmp_path: Path) -> None:
    settings = load(tmp_path, 'tags = ["a"]\nlimits = {daily = 3}\nratio = 2\nkeys = ["b"]')
    assert settings.tags == ("a",)
    assert settings.limits == Limits(daily=3)
    assert settings.ratio == 2.0
    assert settings.keys == [Secret("b")]


def test_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    assert load(tmp_path, 'folder = "data"').folder == tmp_path / "data"
    assert load(tmp_path, CALVE_SERVICE_WALLET_FOLDER="/data").folder == Path("/data")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("overdraft_cents = '1'", r"toml:2: \[service.wallet\] overdraft_cents: expected `int`, got `str` \(how far"),
        ("overdraft_cents = -1", r"toml:2: .* expected `int` >= 0"),
        ("limits = {single = 1}", r"toml:2: .* limits: object missing required field `daily`"),
        ("limits = {daily = 'x'}", r"toml:2: .* limits: expected `int`, got `str` at \$\.daily"),
        ("mode = 'tset'", r"toml:2: .* mode: 'tset' is not one of the choices; did you mean 'test'\?"),
        ("ratio = nan", "toml:2: .* ratio: expected a number, got NaN"),
        ("folder = 5", "toml:2: .* folder: expected text"),
    ],
)
def test_a_wrong_value_names_its_line(tmp_path: Path, toml: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, toml)


@pytest.mark.parametrize("text", ["x", "", "1.5", "9" * 5000])
def test_a_wrong_variable_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        ConfigError, match=r"^CALVE_SERVICE_WALLET_OVERDRAFT_CENTS: \[service.wallet\] overdraft_cents: "
    ):
        load(tmp_path, CALVE_SERVICE_WALLET_OVERDRAFT_CENTS=text)


def test_a_wrong_secret_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    path = tmp_path / "secrets" / "service_wallet_overdraft_cents"
    path.write_text("many")
    with pytest.raises(ConfigError, match=rf"^{path}: \[service.wallet\] overdraft_cents: expected `int`"):
        load(tmp_path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=rf"^{path}: secret file cannot be read: not UTF-8$"):
        load(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="only on an account that is not root: root reads everything")
def test_a_secret_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "service_wallet_ratio").touch(mode=0)
    with pytest.raises(ConfigError, match="secret file cannot be read: Permission denied"):
        load(tmp_path)


def test_a_secret_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "secrets" / "service_wallet_ratio").mkdir(parents=True)
    with pytest.raises(ConfigError, match="secret file cannot be read: Is a directory"):
        load(tmp_path)


def test_one_line_end_of_a_secret_file_is_not_content(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "service_wallet_backup_key").write_bytes(b" a b \r\n")
    assert load(tmp_path).backup_key == Secret(" a b ")


def test_an_unknown_key_comes_with_near_misses(tmp_path: Path) -> None:
    message = r"toml:2: \[service.wallet\] overdraft_cent is not a setting; did you mean 'overdraft_cents'\?"
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, "overdraft_cent = 5")


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^CALVE_SERVICE_WALLET_API_KEY: \[service.wallet\] api_key: is empty$"):
        load(tmp_path, CALVE_SERVICE_WALLET_API_KEY="")


def test_a_secrets_folder_that_is_not_there_is_refused_when_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^CALVE_SECRETS_DIR: .*nowhere is not a folder"):
        reader(tmp_path, CALVE_SECRETS_DIR=str(tmp_path / "nowhere"))
    file = TomlFile.read(tmp_path / "calve.toml")
    assert SettingsReader(file, {}).secrets_dir == Path("/run/secrets")


@pytest.mark.parametrize("wrong", [f"api_key = ['{TEXT}']", f"api_key = {{a = '{TEXT}'}}", f"keys = '{TEXT}'"])
def test_an_error_about_a_secret_does_not_show_it(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ConfigError) as caught:
        reader(tmp_path, wrong, CALVE_UNRELATED=TEXT).load(SECTION, WalletSettings)
    assert_hidden(caught.value)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), min_size=5))
def test_no_text_for_a_list_of_secrets_shows_in_its_error(text: str) -> None:
    file = TomlFile(Path("/project/calve.toml"), "")
    settings = SettingsReader(file, {"CALVE_SERVICE_WALLET_KEYS": f'["{text}', "CALVE_SERVICE_WALLET_API_KEY": "k"})
    with pytest.raises(ConfigError) as caught:
        settings.load(SECTION, WalletSettings)
    assert text not in str(caught.value)


def assert_hidden(error: BaseException) -> None:
    while error is not None:
        assert TEXT not in repr(error)
        error = error.__cause__  # type: ignore[assignment]


def test_settings_do_not_show_their_secrets(tmp_path: Path) -> None:
    settings = load(tmp_path, f'keys = ["{TEXT}"]')
    assert settings.api_key.reveal() == TEXT
    for shown in (repr(settings), str(settings), f"{settings}", str(msgspec.structs.asdict(settings))):
        assert TEXT not in shown
    with pytest.raises(TypeError):
        msgspec.json.encode(settings)


def test_they_are_frozen(tmp_path: Path) -> None:
    with pytest.raises(AttributeError):
        load(tmp_path).ratio = 1.0  # type: ignore[misc]


def test_the_environment_is_read_once(tmp_path: Path) -> None:
    environ = {"CALVE_SECRETS_DIR": str(tmp_path), "CALVE_SERVICE_WALLET_API_KEY": "first"}
    (tmp_path / "calve.toml").touch()
    settings = SettingsReader(TomlFile.read(tmp_path / "calve.toml"), environ)
    environ["CALVE_SERVICE_WALLET_API_KEY"] = "second"
    assert settings.load(SECTION, WalletSettings).api_key == Secret("first")


class Checked(Settings):
    low: int = 1
    high: int = 2

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


class Impossible(Settings):
    body: type[int] | None = None


def test_a_check_of_the_class_itself_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"toml:1: \[service.wallet\] low is above high"):
        reader(tmp_path, "low = 5").load(SECTION, Checked)


def test_a_type_that_settings_cannot_have_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[service.wallet\] body: "):
        reader(tmp_path, "body = 5").load(SECTION, Impossible)


def test_variables_are_named_after_section_and_key() -> None:
    assert env_name("http", "port") == "CALVE_HTTP_PORT"
    assert env_name("unit.front-end", "listen") == "CALVE_UNIT_FRONT_END_LISTEN"


def test_the_reference_has_a_row_per_field() -> None:
    rows = {row.name: row for row in describe_settings(SECTION, WalletSettings)}
    assert list(rows) == list(WalletSettings.__struct_fields__)
    assert rows["overdraft_cents"] == (
        *(SECTION, "overdraft_cents", "int", "0", "cents", "how far below zero"),
        "CALVE_SERVICE_WALLET_OVERDRAFT_CENTS",
    )
    assert rows["api_key"].default == "required"
    assert rows["mode"].type == '"live" | "test"'
    assert rows["region"][2:4] == ("str", "")
    assert rows["tags"].default == "[]"
    assert rows["folder"].default == '"x"'


def test_keys_of_somebody_else_in_the_same_table_are_left_alone(tmp_path: Path) -> None:
    file = TomlFile(tmp_path / "calve.toml", '[service.wallet]\nowner = "us"\nratio = 2\n')
    plain = SettingsReader(file, {})

    class Mine(Settings):
        ratio: float

    assert plain.load("service.wallet", Mine, besides=("owner",)).ratio == 2
    assert plain.load("service.wallet", Mine, besides=None).ratio == 2
    with pytest.raises(ConfigError, match="owner is not a setting"):
        plain.load("service.wallet", Mine)
