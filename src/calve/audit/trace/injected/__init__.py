"""A folder for PYTHONPATH: nothing else may be in it, since the project could import that by accident."""
