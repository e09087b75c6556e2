"""Memory: SQLAlchemy tables and queries, one noun per file, and the unit of work."""
