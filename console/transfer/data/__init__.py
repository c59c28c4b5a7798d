"""SQLite to PostgreSQL: as it is, as declared, or into quarantine, and proven."""
