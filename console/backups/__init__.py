"""Backups of databases: taken in one snapshot, proven by restoring them, encrypted, kept for a while, and put back."""
