"""Figures of the running program, each beside something known on the same machine in the same run."""
