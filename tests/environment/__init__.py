"""Settings from the environment: what is taken, and what stops the start with which sentence."""
