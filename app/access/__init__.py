"""Letting people in: gates, scans, the signature on tickets.

Owns ACC-*. Reads tickets and marks them used; never sells or refunds one.
"""
