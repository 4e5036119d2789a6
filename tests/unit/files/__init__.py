"""Unit tests of files/."""
