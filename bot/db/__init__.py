"""SQLAlchemy Core for SQLite and PostgreSQL: engines, tables and the queries of each table family."""
