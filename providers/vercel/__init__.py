"""Vercel: projects whose deployments are built once and given production traffic by moving an alias."""
