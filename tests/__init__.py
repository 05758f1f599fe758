"""Tests; folders mirror the code."""
