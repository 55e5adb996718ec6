"""The format library: what is said on the wire. Knows neither Django nor the rest of the house."""
