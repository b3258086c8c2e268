"""The archive of finished turns, in SQLite or PostgreSQL, and the outbox in front of it."""
