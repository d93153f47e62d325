"""Presentation only: one offline HTML page, terminal tables, files. Every figure shows a table of `analyses`."""
