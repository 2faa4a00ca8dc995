"""Whatever lies in a repository is counted and named, and stops nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from audit_projects import DJANGO, write

from calve.audit.findings import AuditOptions, Findings, audit
from calve.audit.report.build import build
from calve.audit.report.document import Document, encode

OPTIONS = AuditOptions(cache=False, processes=1)
GENERATED_LINES = 100_000


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one of everything that goes wrong, and two modules that are fine."""
    root = tmp_path_factory.mktemp("bad")
    files: dict[str, bytes] = {
        "shop/fine.py": b"import shop.generated\nfrom shop import old\n",
        "shop/broken.py": b"import shop.fine\ndef f(:\n    pass\n",
        "shop/binary.py": b"\x7fELF\x00\x01\x02",
        "shop/utf16.py": "import os\n".encode("utf-16"),
        "shop/latin.py": b"# -*- coding: latin-1 -*-\nimport shop.fine\nname = '\xe9'\n",
        "shop/wrong.py": b"name = '\xe9\xff'\nimport shop.fine\n",
        "shop/old.py": b"print 'two'\nexec 'code'\nimport fine\nraise ValueError, 'no'\n",
        "shop/empty.py": b"",
        "shop/generated.py": b"import shop.fine\n" + b"value = {'a': 1, 'b': [2, 3]}\n" * GENERATED_LINES,
        "shop/deep.py": b"x = " + b"[" * 3000 + b"]" * 3000 + b"\nimport shop.fine\n",
        "shop/settings.py": f"open({str(root / 'harm')!r}, 'w').write('x')\nimport shop.fine\n".encode(),
        "shop/data.py": b"import shop.fine\n" + b"#" * (9 << 20),
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    (root / "shop" / "again").symlink_to(root, target_is_directory=True)
    (root / "shop" / "nowhere.py").symlink_to(root / "missing.py")
    (root / "shop" / "folder.py").mkdir()
    (root / "shop" / "folder.py" / "inside.py").write_text("import shop.fine\n")
    return root


@pytest.fixture(scope="module")
def found(root: Path) -> Findings:
    """Its audit."""
    return audit(root, OPTIONS)


@pytest.fixture(scope="module")
def document(found: Findings) -> Document:
    """Its document."""
    return build(found, OPTIONS)


def test_each_is_named_with_its_kind(document: Document) -> None:
    assert {(Path(gap.path).name, gap.kind) for gap in document.coverage.gaps} >= {
        ("broken.py", "syntax"),
        ("binary.py", "not python"),
        ("utf16.py", "not python"),
        ("latin.py", "encoding"),
        ("wrong.py", "encoding"),
        ("again", "symlink"),
        ("nowhere.py", "unreadable"),
        ("data.py", "too large"),
        ("generated.py", "generated"),
        ("", "no history"),
    }
    known, count = document.coverage.files
    unread = {gap.path for gap in document.coverage.gaps if gap.kind in ("not python", "too large", "unreadable")}
    assert count - known == len(unread), unread


def test_what_is_around_it_was_read(found: Findings) -> None:
    pairs = {(e.source.rpartition(".")[2], e.target.rpartition(".")[2]) for e in found.edges if e.kind == "import"}
    read = {"broken", "latin", "wrong", "old", "generated", "deep", "settings", "inside"}
    assert pairs == {(name, "fine") for name in read} | {("fine", "old"), ("fine", "generated")}


def test_python_two_is_no_mistake_and_a_generated_file_is_counted(found: Findings) -> None:
    assert found.facts["shop/old.py"].errors == 0
    assert found.facts["shop/generated.py"].lines == GENERATED_LINES + 1


def test_nothing_was_run(found: Findings, root: Path) -> None:
    assert found.verdict.sentence
    assert not (root / "harm").exists()


def test_the_same_folder_gives_the_same_bytes_in_one_process_and_in_several(root: Path, document: Document) -> None:
    several = msgspec.structs.replace(OPTIONS, processes=2)
    assert encode(build(audit(root, several), several)) == encode(document)


def test_without_git_there_is_no_history_and_an_audit_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = audit(write(tmp_path, DJANGO), OPTIONS)
    assert found.history.gap is not None
    assert "git" in found.history.gap.why
    assert found.edges
