"""Room 3: bytes in and out. Transports know endpoints and contracts, nothing of services.

    wire/    the native protocol between Calve processes: MessagePack frames, many calls on one connection
    rest/    the HTTP edge, compiled from contracts

They do not know each other either.
"""
