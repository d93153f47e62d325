"""Pure functions from graphs, traces and cost reports to typed tables. Nothing here plots or prints."""
