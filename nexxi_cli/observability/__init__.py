"""Logs and metrics, fed by the events of the Observer port."""
