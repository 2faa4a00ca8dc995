"""Plain counters of one store. The observe room exports them; nobody here knows how."""

from __future__ import annotations


class StoreMetrics:
    """Counts since the store was opened. Only ever written on the event loop's thread."""

    __slots__ = (
        "batch_size_max",
        "commit_failures",
        "commit_seconds",
        "commits",
        "conflicts",
        "loop_statements",
        "rollbacks",
        "thread_statements",
        "transactions",
    )

    def __init__(self) -> None:
        self.transactions = 0
        """Transactions acknowledged."""
        self.rollbacks = 0
        """Transactions rolled back, whatever the reason."""
        self.commits = 0
        """Durable commits; `transactions / commits` is the mean batch size of group commit."""
        self.commit_failures = 0
        """Commits that failed, each with every transaction in it."""
        self.conflicts = 0
        """Transactions rolled back because they collided with others; each is run again."""
        self.commit_seconds = 0.0
        """Sum of the time commits took."""
        self.batch_size_max = 0
        """Most transactions that shared one commit."""
        self.loop_statements = 0
        """Statements that ran on the event loop's thread."""
        self.thread_statements = 0
        """Statements that ran in a thread because they are, or might be, slow."""
