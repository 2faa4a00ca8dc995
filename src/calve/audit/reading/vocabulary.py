"""Names that make a call worth keeping. All other calls count as uses of names only."""

from __future__ import annotations

import re

ORM_READS = frozenset(
    [
        "aggregate",
        "all",
        "annotate",
        "contains",
        "count",
        "dates",
        "datetimes",
        "distinct",
        "earliest",
        "exclude",
        "exists",
        "explain",
        "filter",
        "first",
        "get",
        "get_or_404",
        "in_bulk",
        "iterator",
        "last",
        "latest",
        "none",
        "only",
        "order_by",
        "prefetch_related",
        "reverse",
        "select_for_update",
        "select_related",
        "union",
        "using",
        "values",
        "values_list",
        "defer",
        "alias",
    ]
)
ORM_WRITES = frozenset(
    [
        "bulk_create",
        "bulk_update",
        "create",
        "delete",
        "get_or_create",
        "save",
        "update",
        "update_or_create",
        "add",
        "remove",
        "set",
        "clear",
        "abulk_create",
        "abulk_update",
        "acreate",
        "adelete",
        "aget_or_create",
        "asave",
        "aupdate",
        "aupdate_or_create",
    ]
)
SHORTCUTS = frozenset({"get_object_or_404", "get_list_or_404", "aget_object_or_404", "aget_list_or_404"})
SQLALCHEMY = frozenset(
    [
        "query",
        "select",
        "insert",
        "execute",
        "scalar",
        "scalars",
        "add_all",
        "merge",
        "flush",
        "commit",
        "rollback",
        "join",
        "outerjoin",
        "options",
        "joinedload",
        "selectinload",
        "subqueryload",
        "contains_eager",
        "begin",
        "begin_nested",
        "relationship",
        "relation",
        "backref",
        "mapped_column",
        "Column",
        "ForeignKey",
        "ForeignKeyConstraint",
        "Table",
        "declarative_base",
        "automap_base",
        "registry",
    ]
)
OPENS_TRANSACTION = re.compile(r"begin(_nested)?|commit_on_success|\w*(atomic|transaction)\w*", re.IGNORECASE)
"""Names of what opens a transaction; projects like to wrap `atomic` in a helper of their own with a similar name."""
STRINGS = frozenset(
    [
        "get_model",
        "get_class",
        "get_classes",
        "get_user_model",
        "import_string",
        "import_module",
        "load_object",
        "include",
        "lazy_reference",
        "reverse_lazy",
        "path",
        "re_path",
        "url",
    ]
)
TASKS = frozenset(
    [
        "delay",
        "apply_async",
        "send_task",
        "signature",
        "signature",
        "si",
        "s",
        "shared_task",
        "task",
        "register_task",
        "enqueue",
        "delay_on_commit",
    ]
)
SIGNALS = frozenset({"connect", "send", "send_robust", "receiver", "asend", "connect_via"})
ROUTES = frozenset({"register_blueprint", "include_router", "add_url_rule", "mount", "add_api_route", "register"})
HTTP = frozenset({"get", "post", "put", "patch", "delete", "head", "request", "urlopen", "stream"})
RAW = frozenset({"raw", "execute", "executemany", "text", "extra", "RawSQL", "callproc"})
DATABASE = frozenset({"on_commit", "set_autocommit"})
RELATIONS = frozenset(
    {
        "ForeignKey",
        "OneToOneField",
        "ManyToManyField",
        "GenericForeignKey",
        "GenericRelation",
        "ParentalKey",
        "ParentalManyToManyField",
        "TreeForeignKey",
        "TreeOneToOneField",
        "TreeManyToManyField",
        "relationship",
        "relation",
    }
)

KEPT = (
    ORM_READS
    | ORM_WRITES
    | SHORTCUTS
    | SQLALCHEMY
    | STRINGS
    | TASKS
    | SIGNALS
    | ROUTES
    | HTTP
    | RAW
    | DATABASE
    | RELATIONS
)
