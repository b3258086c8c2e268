"""The warm engine: a loaded model that other processes of the same user find on a private Unix socket."""
