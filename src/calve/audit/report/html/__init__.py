"""The HTML file: one, self-contained, readable without JavaScript and without a network.

markup.py    elements; every text that is not an element is escaped
page.py      the whole page, and what is not in one of the following
matrix.py    what depends on what, as a matrix with its cycles shaded
parts.py     candidates: bills, first edges, transactions as sequences
style.css    light and dark, by what the reader's system says
"""

from .page import render

__all__ = ["render"]
