"""The shop the usual way: FastAPI, pydantic, SQLAlchemy's ORM over aiosqlite, httpx between processes.

Written the way its tools' own documentation shows, with every fast option they offer (uvloop, httptools, no access log,
pooled keep-alive connections), and with what a monolith of this kind really does: in one process there is one database
and an order is one transaction. In three processes each has its own database, and an order commits before and after the
calls.

    python -m bench.peers.shop_fastapi all   --port 8000 --data DIR                                    one process
    python -m bench.peers.shop_fastapi money --port 8001 --data DIR                                    three processes
    python -m bench.peers.shop_fastapi stock --port 8002 --data DIR
    python -m bench.peers.shop_fastapi front --port 8000 --data DIR --money http://… --stock http://…

Same paths, same JSON, same SQLite settings (WAL, synchronous=FULL) and the same seed as examples/shop.
"""
