"""The engine of Llama-like models on the CPU: quantised weights for decoding, bfloat16 ones for prompts, in torch."""
