"""From the tree of one file to its facts, in one walk.

The walk is over a cursor, not over lists of children: a tree has about seven nodes per line and most of them are of no
interest. What it meets is dispatched by the number of its kind; a handler returns whether to go down into the node.

    Call and attribute nodes nest to the left (`a.b(x).c(y)` is one call around another), so a chain is taken when its
    outermost node is met, and what starts at the same byte within it is then known to be part of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tree_sitter import Node

from .facts import Bind, Block, Chain, Class, Field, FileFacts, Function, Link, Sql
from .imports import imports_of
from .sql import tables_of
from .syntax import KIND, argument, chain, dotted, literal, parse, text
from .vocabulary import KEPT, OPENS_TRANSACTION

_PATH = re.compile(r"[A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)+")
_PATH_LENGTH_MAX = 200
_SQL = re.compile(r"\s*(?:select|insert|update|delete|with|replace|merge|truncate|lock)\b", re.IGNORECASE)
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)
_SCOPES = ("class_definition", "function_definition")


def extract(source: bytes) -> FileFacts:
    """Read one file.

    Args:
        source: Its bytes, in whatever encoding; one that is not UTF-8 is decoded by its own declaration, or as Latin-1.
    """
    source, encoding = _utf8(source)
    walk = _Walk(parse(source).root_node)
    walk.run()
    return _counted(walk.facts, source, encoding)


def outline(source: bytes) -> FileFacts:
    """Read one file as `extract` does, but only its size, its encoding and whether it has mistakes."""
    source, encoding = _utf8(source)
    return _counted(FileFacts(errors=int(parse(source).root_node.has_error)), source, encoding)


def _counted(facts: FileFacts, source: bytes, encoding: str) -> FileFacts:
    facts.encoding = encoding
    lines = source.splitlines()
    facts.lines = len(lines)
    facts.code_lines = sum(1 for line in lines if (bare := line.lstrip()) and not bare.startswith(b"#"))
    return facts


def _utf8(source: bytes) -> tuple[bytes, str]:
    """The source as UTF-8 without a mark, and the encoding it had."""
    if source.startswith(b"\xef\xbb\xbf"):
        source = source[3:]
    try:
        source.decode("utf-8")
        return source, "utf-8"
    except UnicodeDecodeError:
        declared = _CODING.search(b"\n".join(source.split(b"\n", 2)[:2]))
        for encoding in (declared[1].decode("ascii", "replace") if declared else "latin-1", "latin-1"):
            try:
                return source.decode(encoding).encode("utf-8"), encoding.lower()
            except (LookupError, UnicodeDecodeError):
                continue
    raise AssertionError("Latin-1 decodes everything")


class _Walk:
    """One walk over one tree."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self.facts = FileFacts(imports=imports_of(root))
        self._imported = {fact.bound for fact in self.facts.imports} - {"*"}
        self._uses: dict[tuple[str, int], None] = {}
        self._calls: dict[tuple[str, int], None] = {}
        self._held: dict[tuple[str, int], None] = {}
        self._holders = set[str]()
        """Names that may hold a model."""
        self._scopes: list[tuple[int, str, Class | None]] = []
        """Where it ends, its name with those around it, and the class it is."""
        self._chain_at = self._name_at = (-1, -1)
        handlers: dict[str, Callable[[Node], bool]] = {
            "import_statement": _skip,
            "import_from_statement": _skip,
            "future_import_statement": _skip,
            "comment": _skip,
            "class_definition": self._class,
            "function_definition": self._function,
            "call": self._call,
            "attribute": self._name,
            "identifier": self._name,
            "keyword_argument": self._keyword,
            "string": self._string,
            "concatenated_string": self._string,
            "assignment": self._assignment,
            "for_statement": self._for,
            "with_item": self._with,
            "pair": self._pair,
            "ERROR": self._error,
        }
        self._handlers = {KIND[name]: handler for name, handler in handlers.items() if name in KIND}
        self._error_handler = handlers["ERROR"]

    def run(self) -> None:
        """Walk the whole tree."""
        cursor, handlers = self._root.walk(), self._handlers
        scopes = self._scopes
        while True:
            node = cursor.node
            assert node is not None
            if scopes and node.start_byte >= scopes[-1][0]:
                while scopes and node.start_byte >= scopes[-1][0]:
                    scopes.pop()
            handler = handlers.get(node.kind_id)
            if handler is None and node.is_error:
                handler = self._error_handler
            down = handler(node) if handler is not None else True
            if down and cursor.goto_first_child():
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    self._finish()
                    return

    def _finish(self) -> None:
        self.facts.uses = sorted(self._uses, key=lambda use: (use[1], use[0]))
        self.facts.held = list(self._held)
        if self._root.has_error and not self.facts.errors:
            self.facts.errors = 1  # the parser made up something that is missing
        defined = set(self.facts.defined)
        self.facts.calls = [c for c in self._calls if c[0] in defined or c[0].startswith("self.")]

    # Definitions ------------------------------------------------------------------------------------------------------

    def _qualified(self, name: str) -> str:
        return f"{self._scopes[-1][1]}.{name}" if self._scopes else name

    def _class(self, node: Node) -> bool:
        name = self._qualified(text(node.child_by_field_name("name")))
        bases = node.child_by_field_name("superclasses")
        found = [] if bases is None else [dotted(_unwrapped(child)) for child in bases.named_children]
        line, end = _span(node)
        fact = Class(line, end, name, tuple(base for base in found if base), [])
        self.facts.classes.append(fact)
        self._define(name)
        self._scopes.append((node.end_byte, name, fact))
        return True

    def _function(self, node: Node) -> bool:
        name = self._qualified(text(node.child_by_field_name("name")))
        around = node.parent
        decorators: list[Chain] = []
        first, end = _span(node)
        if around is not None and around.type == "decorated_definition":
            first = around.start_point.row + 1
            decorators = [d for child in around.named_children if child.type == "decorator" if (d := _decorator(child))]
        parameters = node.child_by_field_name("parameters")
        annotations = {} if parameters is None else dict(filter(None, map(_annotation, parameters.named_children)))
        self.facts.functions.append(Function(first, end, name, tuple(decorators), annotations))
        self._holders.update(annotations)
        self._define(name)
        self._scopes.append((node.end_byte, name, None))
        return True

    def _define(self, name: str) -> None:
        if not self._scopes:
            self.facts.defined.append(name)

    # Names and calls --------------------------------------------------------------------------------------------------

    def _name(self, node: Node) -> bool:
        start, end = self._name_at
        if start <= node.start_byte and node.end_byte <= end:
            return False
        name = dotted(node)
        if not name:
            return True  # an attribute of something that is no name: go on inside
        self._name_at = (node.start_byte, node.end_byte)
        if name.partition(".")[0] in self._imported:
            self._uses[name, node.start_point.row + 1] = None
        elif "." in name:
            head, _, rest = name.partition(".")
            if head in self._holders or (head == "self" and "." in rest):
                self._held[name, node.start_point.row + 1] = None
        return False

    def _keyword(self, node: Node) -> bool:
        """`f(user=user)`: the first `user` is no use of an imported name."""
        name = node.child_by_field_name("name")
        if name is not None:
            self._name_at = (name.start_byte, name.end_byte)
        return True

    def _call(self, node: Node) -> bool:
        name = dotted(node.child_by_field_name("function"))
        if name and (name.count(".") == 0 or (name.count(".") == 1 and name.startswith("self."))):
            self._calls[name, node.start_point.row + 1] = None
        start, end = self._chain_at
        if node.start_byte == start and node.end_byte <= end:
            return True
        self._chain_at = (node.start_byte, node.end_byte)
        found = chain(node)
        if found is not None and any(link.name in KEPT for link in found.links):
            self.facts.chains.append(found)
        return True

    # Strings ----------------------------------------------------------------------------------------------------------

    def _string(self, node: Node) -> bool:
        value = literal(node)
        if value is None:
            return True
        line = node.start_point.row + 1
        if len(value) <= _PATH_LENGTH_MAX and _PATH.fullmatch(value):
            self.facts.strings.append((value, line))
        elif _SQL.match(value) and (tables := tables_of(value)):
            self.facts.sql.append(Sql(line, *tables))
        return False

    # Statements -------------------------------------------------------------------------------------------------------

    def _assignment(self, node: Node) -> bool:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or left.type != "identifier":
            return True
        name, call = text(left), _call_in(right)
        block = node.parent.parent if node.parent is not None else None
        owner = block.parent if block is not None else None
        if owner is not None and owner.type == "class_definition" and self._scopes and self._scopes[-1][2] is not None:
            annotation = node.child_by_field_name("type")
            value = "" if call is not None or right is None else argument(right)
            note = "" if annotation is None else text(annotation)
            self._scopes[-1][2].fields.append(Field(node.start_point.row + 1, name, call, note, value))
        elif call is not None and _may_be_data(call):
            self._bind(node, name, call)
        if not self._scopes:
            self.facts.defined.append(name)
            if name == "__all__" and right is not None:
                self.facts.exported = _names(right)
            elif name.isupper() and right is not None and (value := argument(right)):
                self.facts.flags[name] = value
        return True

    def _bind(self, node: Node, name: str, call: Chain) -> None:
        self.facts.binds.append(Bind(node.start_point.row + 1, name, call))
        self._holders.add(name)

    def _for(self, node: Node) -> bool:
        left, call = node.child_by_field_name("left"), _call_in(node.child_by_field_name("right"))
        if call is not None and left is not None and left.type == "identifier" and _may_be_data(call):
            self._bind(node, text(left), call)
        return True

    def _with(self, node: Node) -> bool:
        value = node.child_by_field_name("value")
        if value is not None and value.type == "as_pattern":
            value = value.named_children[0]
        found = _call_in(value)
        name = dotted(value)
        if found is None and name:
            root, _, last = name.rpartition(".")
            found = Chain(node.start_point.row + 1, root, (Link(last),))
        if found is not None and OPENS_TRANSACTION.fullmatch(found.links[-1].name):
            around = node.parent.parent if node.parent is not None else None
            line, end = _span(around or node)
            self.facts.blocks.append(Block(line, end, found))
        return True

    def _pair(self, node: Node) -> bool:
        """`"ATOMIC_REQUESTS": True` in a literal dictionary."""
        key, value = literal(node.child_by_field_name("key")), node.child_by_field_name("value")
        if key is not None and key.isupper() and value is not None and (said := argument(value)):
            self.facts.flags[key] = said
        return True

    def _error(self, node: Node) -> bool:
        self.facts.errors += 1
        return True


def _skip(node: Node) -> bool:
    return False


def _span(node: Node) -> tuple[int, int]:
    return node.start_point.row + 1, node.end_point.row + 1


def _unwrapped(node: Node) -> Node | None:
    """`Generic` of `Generic[T]`, `Base` of `Base()`; a keyword such as `metaclass=` is no base."""
    if node.type == "subscript":
        return node.child_by_field_name("value")
    if node.type == "call":
        return node.child_by_field_name("function")
    return None if node.type == "keyword_argument" else node


def _decorator(node: Node) -> Chain | None:
    inner = node.named_children[0] if node.named_children else None
    found = _call_in(inner)
    if found is not None or inner is None:
        return found
    root, _, last = dotted(inner).rpartition(".")
    return Chain(node.start_point.row + 1, root, (Link(last),)) if last else None


def _annotation(node: Node) -> tuple[str, str] | None:
    """`order: Order` -> ("order", "Order"), also for `"Order"`, `Order | None` and `Optional[Order]`."""
    if node.type not in ("typed_parameter", "typed_default_parameter"):
        return None
    name = node.child_by_field_name("name") or node.named_children[0]
    found = re.findall(r"[A-Za-z_][\w.]*", text(node.child_by_field_name("type")))
    found = [word for word in found if word not in ("Optional", "Union", "None", "typing.Optional", "list", "List")]
    return (text(name), found[0]) if found and name.type == "identifier" else None


def _may_be_data(call: Chain) -> bool:
    """Whether the result may be a model or a query: a class is called, or something known to touch data."""
    return any(link.name in KEPT for link in call.links) or call.links[-1].name[:1].isupper()


def _call_in(node: Node | None) -> Chain | None:
    if node is not None and node.type == "await":
        node = node.named_children[0]
    return chain(node) if node is not None and node.type == "call" else None


def _names(node: Node) -> tuple[str, ...] | None:
    if node.type not in ("list", "tuple"):
        return None
    return tuple(value for child in node.named_children if (value := literal(child)) is not None)
