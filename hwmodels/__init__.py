"""Hardware: chips as files of sourced constants, and families that map, execute, price and simulate networks on them."""
