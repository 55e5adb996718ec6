"""Tests of the process log: nothing lost, nothing torn, and trouble said aloud."""
