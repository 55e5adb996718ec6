"""A stand-in provider for the first minute and for tests. It is no model, and says so."""
