"""Every performance claim of the project, with its peers and the physical limit, measured in one run on one machine.

    python -m bench                all of them, tables on the terminal, results in bench/results/
    python -m bench wire rest      some of them

Each module has `run() -> list[Result]`. Ratios are what counts: peers run interleaved with ours, medians are taken over
rounds, server and client have a core each. Absolute numbers do not travel from one machine to another.
"""
