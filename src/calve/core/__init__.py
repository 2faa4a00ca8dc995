"""Room 0: what every other room stands on, and which imports none of them.

Errors, time, deadlines, the context of a call, the codec, identifiers and settings. Anything here must make sense
without knowing what a contract, a service or a wire is.
"""
