"""The routes; each file is a router, which `app` includes."""
