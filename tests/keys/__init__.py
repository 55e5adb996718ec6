"""Client keys: their form, their digest, and who is let in."""
