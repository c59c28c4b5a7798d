"""Tests that may be looked at after every request: evidence whose chance of ever misleading is bounded."""
