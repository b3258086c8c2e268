"""What the API takes and gives, as pydantic models: the wire's shapes, and nothing of what they mean."""
