"""GitHub: where releases come from, what their checks say, and where deployments are announced."""
