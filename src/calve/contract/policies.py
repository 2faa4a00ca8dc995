"""What a contract says of the calls of an operation: its own policy over that of the whole contract."""

from __future__ import annotations

import msgspec

from ..core.policy import Policy, check_policy, said
from .base import OperationMark
from .errors import ContractError


def operation_policy(mark: OperationMark, shared: Policy | None, where: str) -> Policy:
    """The policy of one operation, with its time limit.

    Args:
        mark: What the decorator was told.
        shared: What the contract says of all its operations.
        where: The operation, for errors.
    Raises: ContractError: a value is out of its limits, or something is said twice.
    """
    own = mark.policy or Policy()
    for policy in (shared or Policy(), own):
        try:
            check_policy(policy)
        except ValueError as error:
            raise ContractError(f"policy: {error}", where=where) from None
    if shared is not None and shared.fallback is not msgspec.UNSET:
        fix = "give each query that needs one its own"
        raise ContractError("a fallback for all operations of a contract", where=where, fix=fix)
    if mark.timeout_seconds is not None and own.timeout_seconds is not None:
        raise ContractError("timeout_seconds is said twice", where=where, fix="drop the one in policy=")
    values = {} if shared is None else said(shared)
    values |= said(own)
    if mark.timeout_seconds is not None:
        values["timeout_seconds"] = mark.timeout_seconds
    return Policy(**values)
