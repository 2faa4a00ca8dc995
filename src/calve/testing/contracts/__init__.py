"""Contracts of before and of now, held against each other by what they write and read.

samples.py, matching.py    values that a description allows
types.py                   a description turned back into types
meaning.py                 whether what was read is what was written
compat.py                  the three together: `assert_compatible`
"""

from .compat import assert_compatible

__all__ = ["assert_compatible"]
