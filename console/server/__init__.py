"""The worker: the API over its socket, roles, and the process itself."""
