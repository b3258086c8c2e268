"""Rate limiters: one sliding window, kept in this process or in Redis."""
