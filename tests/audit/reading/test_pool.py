"""Several processes read what one reads."""

from __future__ import annotations

from pathlib import Path

from calve.audit.discover import discover
from calve.audit.reading.cache import FactsCache
from calve.audit.reading.pool import SERIAL_BYTES_MAX, read_files, total_lines


def test_many_files_are_read_the_same_in_several_processes(tmp_path: Path) -> None:
    body = "import os\n" + "value = os.path.join('a', 'b')\n" * 1000
    for number in range(SERIAL_BYTES_MAX // len(body) + 2):
        (tmp_path / f"m{number}.py").write_text(f"# {number}\n{body}")
    project, seen = discover(tmp_path), list[tuple[int, int]]()
    several = read_files(
        project, FactsCache(None), processes=2, progress=lambda done, count: seen.append((done, count))
    )
    alone = read_files(project, FactsCache(None), processes=1)
    assert several.facts == alone.facts
    assert seen[0] == (0, len(project.files))
    assert seen[-1] == (len(project.files), len(project.files))
    assert total_lines(several.facts.values()) == 1002 * len(project.files)


def test_tests_and_migrations_are_only_counted(tmp_path: Path) -> None:
    text = "# one\nimport os\n\nprint(os)\n"
    for name in ("code.py", "tests/test_code.py", "migrations/0001.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "tests" / "test_bad.py").write_text("def f(:\n    pass\n")
    cache = FactsCache(tmp_path / ".cache")
    reading = read_files(discover(tmp_path), cache, processes=1)
    assert reading.cached == 0, "two files with the same contents are no file that was known"
    assert {path: len(facts.imports) for path, facts in reading.facts.items()} == {
        "code.py": 1,
        "migrations/0001.py": 0,
        "tests/test_bad.py": 0,
        "tests/test_code.py": 0,
    }
    assert {(facts.lines, facts.code_lines) for path, facts in reading.facts.items() if "bad" not in path} == {(4, 2)}
    assert [(gap.kind, gap.path) for gap in reading.gaps] == [("syntax", "tests/test_bad.py")]
    again = read_files(discover(tmp_path), cache, processes=1)
    assert (again.facts, again.cached) == (reading.facts, 4)
