"""Probes over HTTP, as a visitor would ask."""
