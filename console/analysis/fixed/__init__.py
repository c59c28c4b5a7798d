"""Tests for one look: sharper than the sequential ones, and wrong if looked at again and again."""
