"""Tests of the store: decisions carried out on real SQLite files."""
