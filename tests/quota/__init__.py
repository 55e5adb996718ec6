"""Quotas as they are counted in memory."""
