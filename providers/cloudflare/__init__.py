"""Cloudflare load balancing: pools of origins that share the requests of a hostname by weight."""
