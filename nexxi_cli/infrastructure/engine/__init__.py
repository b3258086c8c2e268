"""The engine of Llama-like models on the CPU: in torch, and in C++ where a compiler and the processor allow it."""
