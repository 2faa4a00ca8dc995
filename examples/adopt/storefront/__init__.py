"""What customers see; a FastAPI application that runs on any ASGI server, too."""
