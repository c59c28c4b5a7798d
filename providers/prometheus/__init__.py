"""Measurements of a Prometheus, or of what speaks its API."""
