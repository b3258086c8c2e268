"""What Nexxi does: the chat pipeline, conversations, safety. Knows ports, never what stands behind them."""
