"""What every layer speaks: types, errors, ports, settings. Standard library and pydantic only."""
