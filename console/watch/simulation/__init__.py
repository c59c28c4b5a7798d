"""Whole rollouts on a simulated edge: how often the shipped judge is wrong, and how soon it is right."""
