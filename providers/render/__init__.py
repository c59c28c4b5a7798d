"""Render: services that are built from a repository and replaced without downtime."""
