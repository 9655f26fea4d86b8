"""Faults."""
ALL = {}
