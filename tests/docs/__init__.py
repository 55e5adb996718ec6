"""Tests of the documents: they name everything that exists, and lead nowhere that does not."""
