"""The start of an extraction: the contract of a candidate as code, and a plan to strangle it.

    signatures.py    parameters and answers of its functions, read from the source and never imported
    shapes.py        its models as messages
    operations.py    what outsiders call, write and hear: operations and events
    contract.py      all that as a module of Calve
    plan.py          the steps, with every place that has to change
    write.py         both, as files

What the source does not say is `Unknown`, never guessed: each is a question to answer before anything is built.
"""

from .contract import contract_text
from .operations import Surface, surface
from .plan import plan_text
from .write import write_scaffold

__all__ = ["contract_text", "plan_text", "Surface", "surface", "write_scaffold"]
