"""The warm engine over real sockets, with scripted models."""
