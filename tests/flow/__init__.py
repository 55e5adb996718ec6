"""The way of a request through the house, from the pure decisions to the sockets."""
