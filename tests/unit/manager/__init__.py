"""Unit tests of manager/."""
