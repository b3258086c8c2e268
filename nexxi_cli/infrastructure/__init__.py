"""Adapters: each file owns one library and translates its errors into ours."""
