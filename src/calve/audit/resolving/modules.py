"""Names: what a dotted name in a file refers to.

    Symbol(module, name)     something first-party: `name` of `module`, `` for the module itself
    a string                 something that is not part of the project: `django.db.models.Model`

Re-exports are followed to the module that defines: a package's `__init__` that imports everything would otherwise look
like the hub of the whole project. A chain that leads in a circle ends where it entered.
"""

from __future__ import annotations

from typing import NamedTuple

from ..discover import SourceFile
from ..reading.facts import FileFacts, Import


class Symbol(NamedTuple):
    """Something that the project defines."""

    module: str
    name: str

    @property
    def dotted(self) -> str:
        """`module.name`, or the module."""
        return f"{self.module}.{self.name}" if self.name else self.module


class Modules:
    """All modules of a project.

    Args:
        files: Of the project; where two have one name, a package counts, else the first in order of path.
        facts: By path.
    """

    def __init__(self, files: list[SourceFile], facts: dict[str, FileFacts]) -> None:
        self.files: dict[str, SourceFile] = {}
        self.facts: dict[str, FileFacts] = {}
        self._prefixes: set[str] = set()
        chosen: dict[str, SourceFile] = {}
        for file in sorted(files, key=lambda file: (not file.package, file.path)):
            chosen.setdefault(file.module, file)
        for file in files:
            if chosen[file.module] is not file or file.path not in facts:
                continue
            self.files[file.module], self.facts[file.module] = file, facts[file.path]
            parts = file.module.split(".")
            self._prefixes.update(".".join(parts[:end]) for end in range(1, len(parts) + 1))
        self._bound = {module: _bindings(facts) for module, facts in self.facts.items()}
        self._defined = {module: frozenset(facts.defined) for module, facts in self.facts.items()}
        self._stars = {m: [i for i in facts.imports if i.name == "*"] for m, facts in self.facts.items()}
        self._memo: dict[tuple[str, str], Symbol | str | None] = {}

    def is_module(self, dotted: str) -> bool:
        """Whether there is a file, or a folder without `__init__.py`, of this name."""
        return dotted in self._prefixes

    def package_of(self, module: str) -> str:
        """The package relative imports of a module start from."""
        file = self.files[module]
        return module if file.package else module.rpartition(".")[0]

    def source_of(self, module: str, fact: Import) -> str:
        """The absolute name of the module that an import names; `` when its dots lead out of the project."""
        if fact.level == 0:
            return self._implicitly_relative(module, fact.module)
        base = self.package_of(module).split(".")
        if fact.level > len(base):
            return ""
        base = base[: len(base) - fact.level + 1]
        return ".".join([*base, fact.module] if fact.module else base)

    def _implicitly_relative(self, module: str, name: str) -> str:
        """Python 2: `import utils` means the sibling, where there is no module of that name.

        In a root whose names start with its folder, its own modules come before those of others.
        """
        root = self.files[module].root
        if root and f"{root}.{name.partition('.')[0]}" in self._prefixes:
            return f"{root}.{name}"
        if name.partition(".")[0] in self._prefixes:
            return name
        package = self.package_of(module)
        sibling = f"{package}.{name}" if package else name
        return sibling if package and sibling in self._prefixes else name

    def imported(self, module: str, fact: Import) -> Symbol | str:
        """What an import names, before re-exports are followed.

        Returns: a Symbol with name `` when it is a module.
        """
        source = self.source_of(module, fact)
        if fact.name in ("", "*"):
            return Symbol(source, "") if self.is_module(source) else source
        inner = f"{source}.{fact.name}"
        if self.is_module(source) and self._has(source, fact.name) and source != module:
            return Symbol(source, fact.name)
        if self.is_module(inner):
            return Symbol(inner, "")
        return Symbol(source, fact.name) if self.is_module(source) else inner

    def _has(self, module: str, name: str) -> bool:
        """Whether a module's own code binds a name, so that it hides a submodule of the same name."""
        return name in self._defined.get(module, ())

    def definition(self, module: str, name: str) -> Symbol | str | None:
        """Where a name of a module is defined, through re-exports.

        Returns: None when nothing in the module binds it.
        """
        key = (module, name)
        if key not in self._memo:
            self._memo[key] = None  # what a circle finds
            self._memo[key] = self._define(module, name)
        return self._memo[key]

    def _define(self, module: str, name: str) -> Symbol | str | None:
        if name in self._defined.get(module, ()):
            return Symbol(module, name)
        fact = self._bound.get(module, {}).get(name)
        if fact is not None:
            return self.follow(self.imported(module, fact) if fact.name else self._plain(module, fact))
        for star in self._stars.get(module, ()):
            source = self.source_of(module, star)
            if self.is_module(source) and self._exports(source, name):
                found = self.definition(source, name)
                if found is not None:
                    return found
        inner = f"{module}.{name}"
        return Symbol(inner, "") if self.is_module(inner) else None

    def _exports(self, module: str, name: str) -> bool:
        exported = self.facts[module].exported if module in self.facts else None
        return name in exported if exported is not None else not name.startswith("_")

    def _plain(self, module: str, fact: Import) -> Symbol | str:
        """`import a.b` binds `a`; `import a.b as c` binds `a.b`."""
        source = self.source_of(module, fact)
        first = fact.module.partition(".")[0]
        around = source[: len(source) - len(fact.module)]  # of a sibling, in Python 2
        bound = source if fact.bound != first else around + first
        return Symbol(bound, "") if self.is_module(bound) else bound

    def follow(self, found: Symbol | str) -> Symbol | str:
        """A symbol at the module that defines it; itself when nothing says where."""
        if isinstance(found, str) or not found.name:
            return found
        head, _, rest = found.name.partition(".")
        defined = self.definition(found.module, head)
        if defined is None:
            return found
        if not rest:
            return defined
        return self._attribute(defined, rest)

    def _attribute(self, found: Symbol | str, rest: str) -> Symbol | str:
        """`rest`, an attribute path, of something: through modules as far as they go."""
        while rest and isinstance(found, Symbol) and not found.name:
            head, _, rest = rest.partition(".")
            inner = self.definition(found.module, head)
            if inner is None:
                return Symbol(found.module, head)
            found = inner
        if not rest:
            return found
        return f"{found}.{rest}" if isinstance(found, str) else Symbol(found.module, f"{found.name}.{rest}")

    def resolve(self, module: str, dotted: str) -> Symbol | str | None:
        """What a dotted name in a module refers to.

        Returns: None when its first part is neither imported nor defined there: a local variable, or a builtin. For an
            attribute of a class or an instance the Symbol's name goes on behind it: `Order.objects`.
        """
        head, _, rest = dotted.partition(".")
        found = self.definition(module, head)
        if found is None or (found == Symbol(f"{module}.{head}", "") and head not in self._bound.get(module, {})):
            return None
        return self._attribute(found, rest) if rest else found


def _bindings(facts: FileFacts) -> dict[str, Import]:
    """Name -> the import that binds it; an eager one before others, the first before later ones."""
    bound: dict[str, Import] = {}
    for fact in facts.imports:
        known = bound.get(fact.bound)
        if known is None or (known.when != "eager" and fact.when == "eager"):
            bound[fact.bound] = fact
    bound.pop("*", None)
    return bound
