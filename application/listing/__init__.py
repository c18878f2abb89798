"""Filtering and sorting of rows in memory."""
