"""One file per source format: each turns what a user has into a `Graph` with exactly that meaning."""
