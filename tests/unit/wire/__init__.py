"""Tests of what travels between nodes and through time."""
