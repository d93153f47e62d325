"""Speed as a ratio against a named peer, measured in the same process and minute; every pair is first checked with `==`."""
