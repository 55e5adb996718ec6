"""The format library: what is said on the wire, in every language. Knows neither Django nor the rest of the house."""
