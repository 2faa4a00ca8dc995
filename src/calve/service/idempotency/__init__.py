"""Commands with idempotency keys: run once, answered as often as they are asked.

    a call with a key ── window.py ── running under this key ───────────────> InFlight (409)
                            │         answered lately, same request ────────> that answer
                            │         another request ──────────────────────> KeyReused (422)
                            └─ not known here: run it                         guard.py
                                 first transaction: mark there already ─────> the stored answer, or what became of it
                                 returns: the answer is stored, then given

What one process remembers (window.py) serves commands of services without a store, and quick repeats; what is in the
store outlives it. Commands without a key, queries, streams, and commands that declare themselves idempotent do not
come here.
"""

from .guard import KeyOptions, Keys
from .pruning import prune_forever
from .window import Answered, Window

__all__ = ["Answered", "KeyOptions", "Keys", "prune_forever", "Window"]
