"""A secret, wherever it was set, reaches its service and shows in nothing that anybody can read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from .conftest import calve, calve_run, request

SECRETS = {"token": "tok-7f3a91c2", "password": "pw-5be0c8d4", "pin": "pin-91d2e7aa"}
"""From the environment, a mounted file, and calve.toml."""

TOML = f"""\
[app]
name = "vault"
services = ["safe"]

[service.safe]
pin = "{SECRETS["pin"]}"
"""

SAFE = '''
"""Does with its secrets whatever an author may do by mistake."""
import hashlib
from typing import Protocol
from calve import Contract, DomainError, Logger, Secret, Settings, query

class Refused(DomainError):
    """No."""
    reason: str

class Safe(Contract, Protocol, version="1.0"):
    """Keeps secrets."""

    @query(http="GET /digest")
    async def digest(self) -> str: ...
    @query(http="GET /crash")
    async def crash(self) -> str: ...
    @query(http="GET /refusal", raises=[Refused])
    async def refusal(self) -> str: ...
    @query(http="GET /leak")
    async def leak(self) -> str: ...

class SafeSettings(Settings):
    token: Secret
    password: Secret
    pin: Secret
    failing: bool = False

class SafeService(Safe):
    def __init__(self, settings: SafeSettings, log: Logger) -> None:
        self._settings, self._log = settings, log
        log.info(f"settings are {settings}", settings=settings, token=settings.token, all=[settings.pin])
        if settings.failing:
            raise RuntimeError(f"cannot go on with {settings} and {settings.password!r}")

    async def digest(self) -> str:
        s = self._settings
        text = s.token.reveal() + s.password.reveal() + s.pin.reveal()
        return hashlib.sha256(text.encode()).hexdigest()

    async def crash(self) -> str:
        raise RuntimeError(f"broken: {self._settings}")

    async def refusal(self) -> str:
        raise Refused(reason=f"{self._settings.token} {self._settings.pin:>40}")

    async def leak(self) -> str:
        return self._settings.token  # of another type than the contract says
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose service has three secrets."""
    folder = tmp_path / "project"
    (folder / "secrets").mkdir(parents=True)
    (folder / "calve.toml").write_text(TOML)
    (folder / "safe.py").write_text(SAFE)
    (folder / "secrets" / "service_safe_password").write_text(f"{SECRETS['password']}\n")
    return folder


def places(project: Path) -> dict[str, str]:
    """Where the first two secrets are set."""
    return {"CALVE_SERVICE_SAFE_TOKEN": SECRETS["token"], "CALVE_SECRETS_DIR": str(project / "secrets")}


def shown(text: str) -> list[str]:
    """The secrets that a text shows."""
    return [name for name, secret in SECRETS.items() if secret in text]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_nothing_that_runs_shows_a_secret(project: Path, short_tmp: Path, log_format: str) -> None:
    settings = {"CALVE_LOG_FORMAT": log_format, "CALVE_LOG_LEVEL": "debug", "OTEL_TRACES_EXPORTER": "console"}
    with calve_run(project, short_tmp, **places(project), **settings) as running:
        url = running.line(r"vault is ready on (http://\S+?) after")[1]
        digest = hashlib.sha256("".join(SECRETS.values()).encode()).hexdigest()
        assert request(f"{url}/digest").json() == digest, "the service knows all three"
        answers = {path: request(f"{url}{path}") for path in ("/crash", "/refusal", "/leak")}
        assert {path: answer.status for path, answer in answers.items()} == {
            "/crash": 500,
            "/refusal": 400,
            "/leak": 500,
        }
        assert answers["/refusal"].json()["reason"].split() == ["***", "***"]
        pages = [request(f"{url}{path}") for path in ("/openapi.json", "/docs", "/metrics", "/health/ready")]
        assert shown("".join(a.body.decode() for a in (*answers.values(), *pages))) == []
        assert running.stop() == 0
    assert "settings are SafeSettings(token=Secret(***), password=Secret(***)" in running.text
    assert "RuntimeError" in running.text, "the error is in the log"
    assert '"trace_id"' in running.text, "spans were written"
    assert shown(running.text) == []


def test_commands_show_no_secret(project: Path) -> None:
    for command in ("topology", "topology --json", "contract show", "contract show --format openapi"):
        done = calve(project, *command.split(), **places(project))
        assert done.returncode == 0, done.stderr
        assert shown(done.stdout + done.stderr) == []


@pytest.mark.parametrize("arguments", [(), ("--unit", "vault")], ids=["supervised", "alone"])
def test_a_start_that_fails_shows_no_secret(project: Path, short_tmp: Path, arguments: tuple[str, ...]) -> None:
    failing = {**places(project), "CALVE_SERVICE_SAFE_FAILING": "true"}
    with calve_run(project, short_tmp, *arguments, **failing) as running:
        running.line("cannot go on with")
        running.terminate()
        running.wait()
    assert "Secret(***)" in running.text
    assert shown(running.text) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("token", "int"),
        ("password", "int"),
        ("pin", "int"),
        ("token", "list[Secret]"),
        ("password", "dict[str, Secret]"),
        ("pin", "tuple[Secret, ...]"),
        ("pin", "Annotated[Secret, Meta(max_length=3)]"),
    ],
)
def test_a_secret_of_the_wrong_type_is_refused_unseen(project: Path, name: str, kind: str) -> None:
    safe = project / "safe.py"
    text = safe.read_text().replace(f"{name}: Secret\n", f"{name}: {kind}\n")
    safe.write_text(
        text.replace("import hashlib\n", "import hashlib\nfrom typing import Annotated\nfrom calve import Meta\n")
    )
    done = calve(project, "run", CALVE_HTTP_PORT="0", **places(project))
    assert done.returncode == 2
    assert f"[service.safe] {name}" in done.stderr
    assert shown(done.stdout + done.stderr) == []


def test_a_secret_file_that_is_no_text_is_refused_unseen(project: Path) -> None:
    (project / "secrets" / "service_safe_password").write_bytes(SECRETS["password"].encode() + b"\xff\xfe")
    done = calve(project, "run", CALVE_HTTP_PORT="0", **places(project))
    assert done.returncode == 2
    assert "service_safe_password: secret file cannot be read: not UTF-8" in done.stderr
    assert shown(done.stdout + done.stderr) == []


def test_a_broken_calve_toml_is_not_quoted(project: Path) -> None:
    file = project / "calve.toml"
    file.write_text(file.read_text().replace('pin = "', 'pin = " "'))
    done = calve(project, "run", **places(project))
    assert done.returncode == 2
    assert "calve.toml:6: not TOML" in done.stderr
    assert shown(done.stdout + done.stderr) == []
