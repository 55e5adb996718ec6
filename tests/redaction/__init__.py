"""Redaction: what is found, what is left, and that it does not depend on how a text arrives."""
