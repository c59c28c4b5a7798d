"""Caddy: an edge whose admin API moves the weights of its routes and tells what each arm answered."""
