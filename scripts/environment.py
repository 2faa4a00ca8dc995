"""Make the development environment: `.venv` with Calve in it, editable, and the extras asked for.

    python3 scripts/environment.py [extra ...]        called by the Makefile; without extras just what running needs

Runs before anything is installed, hence on the standard library alone, and on old Pythons far enough to say that they
are too old. Debian ships `venv` without `ensurepip`: there the environment is made bare and this Python's pip fills it.
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
OLDEST = (3, 11)
EVERY = 10  # lines of progress where the output is not a terminal: one for so many packages


def fail(text: str) -> NoReturn:
    """Print one line and end with status 2, as for every fault that shows before anything runs."""
    print(f"make: {text}", file=sys.stderr)
    sys.exit(2)


def create(home: Path) -> Path:
    """Make the environment unless it is there and works; returns its Python."""
    python = home / "bin" / "python"
    if (
        python.exists()
        and subprocess.run([str(python), "-m", "pip", "--version"], stdout=subprocess.DEVNULL).returncode == 0
    ):
        return python
    print(f"making {home.name} with Python {sys.version.split()[0]}", flush=True)
    if find_spec("ensurepip"):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
    elif find_spec("pip"):
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(home)], check=True)
        subprocess.run([sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "pip"], check=True)
    else:
        fail("this Python has neither ensurepip nor pip; install pip (Debian: apt-get install python3-pip)")
    return python


def install(python: Path, extras: str) -> None:
    """Install Calve editable with its extras, naming the packages as they come."""
    what = f"[{extras}]" if extras else ""
    patience = "; the first time takes a minute or two" if extras else ""
    print(f"installing calve{what} into {HOME.name}{patience}", flush=True)
    command = [str(python), "-m", "pip", "install", "--progress-bar", "off", "-e", f"{ROOT}{what}"]
    terminal, count, log = sys.stdout.isatty(), 0, []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            log.append(line)
            if line.startswith("Collecting "):
                count += 1
                if terminal:
                    print(f"\r\033[K  {count} packages, now {line.split()[1]}", end="", flush=True)
                elif count % EVERY == 0:
                    print(f"  {count} packages, now {line.split()[1]}", flush=True)
    if terminal:
        print("\r\033[K", end="")
    if pip.returncode:
        print("".join(log[-20:]), file=sys.stderr)
        fail("pip could not install what Calve needs; its own words are above")
    print(f"ready: {HOME.name}", flush=True)


def main() -> None:
    """Make or refresh the environment."""
    if sys.version_info < OLDEST:
        mine = f"{sys.executable} is {sys.version.split()[0]}"
        fail(f"Python 3.11 or newer is needed and {mine}; install one and say make PYTHON=/path/to/it")
    install(create(HOME), ",".join(sys.argv[1:]))


if __name__ == "__main__":
    main()
