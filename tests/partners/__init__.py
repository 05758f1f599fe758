"""Tests of the partner kit."""
