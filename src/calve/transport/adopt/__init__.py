"""Existing ASGI and WSGI applications as services, without a line changed.

AdoptedApp     one application: its start and stop, its requests with traces and metrics          app.py
  ├─ Lifespan        its startup and shutdown events                                              lifespan.py
  ├─ HttpVisit       one HTTP request, from the caller's headers to the metrics                   http.py
  ├─ serve_socket    one WebSocket                                                                websocket.py
  ├─ contained       nothing that it runs ends the process it runs in                             containment.py
  └─ OwnedTasks      the tasks it began and did not end                                           tasks.py
WsgiApp        a WSGI application in threads                                                      wsgi.py
Mounts         which application gets a path that no contract claims                              mounts.py
merged         its OpenAPI document and ours as one                                               documents.py
"""

from .app import AdoptedApp, AdoptOptions
from .documents import Guest, merged
from .mounts import Mounts
from .tasks import OwnedTasks

__all__ = ["AdoptedApp", "AdoptOptions", "Guest", "merged", "Mounts", "OwnedTasks"]
