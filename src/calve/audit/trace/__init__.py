"""What a project does to its tables while its own tests run: recorded on demand, and merged into the next audit.

    calve audit trace -- pytest ──> PYTHONPATH=injected/ pytest
                                        └─ every Python process of it loads recorder/, which writes names of tables
        .calve/trace.json <── collected when the command has ended ──┘

    injected/    one file, `sitecustomize.py`, which Python imports at start: the only thing put in front of the project
    recorder/    runs inside of the project's processes: standard library only, any Python since 3.9
    file         the trace as it is kept
    merge        what it says about transactions that the source did not

No value leaves a process: a name is written only if it is that of a table some model or schema of the project has.
"""
