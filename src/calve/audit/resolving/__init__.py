"""From the facts of single files to what they mean together.

modules.py    names: what a dotted name in a file refers to, through imports, re-exports and stars
imports.py    edges between modules: imports, names used, base classes
models.py     database models, their tables and relations, for Django and SQLAlchemy
data.py       reads, writes and joins of models; transactions and what they touch
http.py       HTTP calls from one part to another
strings.py    what strings refer to: models, classes, modules, tasks, URL includes
"""
