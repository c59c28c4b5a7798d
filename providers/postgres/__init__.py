"""Any PostgreSQL: login roles that take turns."""
