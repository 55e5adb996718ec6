"""The vendors' own SDKs against the gateway, to providers of their own format and of the other."""
