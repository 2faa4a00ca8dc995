"""`python -m calve`: the command line without an installed script; what the supervisor starts its units with."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
