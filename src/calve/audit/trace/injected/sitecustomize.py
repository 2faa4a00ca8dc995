"""Starts the recorder in a process of the audited project, then whatever `sitecustomize` the process has itself."""

import importlib
import importlib.util
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
RECORDER = os.path.join(os.path.dirname(FOLDER), "recorder", "__init__.py")
NAME = "_calve_recorder"


def start():
    # type: () -> None
    """Load the recorder from beside this folder, under a name nobody else has."""
    spec = importlib.util.spec_from_file_location(
        NAME, RECORDER, submodule_search_locations=[os.path.dirname(RECORDER)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)
    importlib.import_module(NAME + ".hooks").install(os.environ)


def give_way():
    # type: () -> None
    """Import the `sitecustomize` that this one stands in front of, if there is one."""
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != FOLDER]
    own = sys.modules.pop("sitecustomize")
    try:
        importlib.import_module("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
        sys.modules["sitecustomize"] = own


if __name__ == "sitecustomize" and os.environ.get("CALVE_TRACE_FOLDER"):
    start()
    give_way()
