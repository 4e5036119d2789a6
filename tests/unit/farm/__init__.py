"""Tests of the farm's words."""
