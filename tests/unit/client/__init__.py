"""Tests: see tests/__main__.py for the one command."""
