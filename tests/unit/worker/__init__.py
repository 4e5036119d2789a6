"""Tests of this machine's hands."""
