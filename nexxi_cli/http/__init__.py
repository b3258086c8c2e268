"""The HTTP front door: FastAPI routes and plain ASGI middleware over the service layer."""
