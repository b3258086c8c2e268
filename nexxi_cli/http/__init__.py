"""The API: how requests come in over HTTP and how deltas go out. No business rule lives here."""
