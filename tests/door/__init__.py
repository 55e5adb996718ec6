"""The front door: what gets in, and what those are told who do not."""
