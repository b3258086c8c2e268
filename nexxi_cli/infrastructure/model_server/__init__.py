"""Chat models behind servers with OpenAI's API, such as vLLM: which of them answers, and what if it does not."""
