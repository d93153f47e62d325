"""`python -m neurobin` is the `neurobin` command."""

from neurobin.cli import main

main()
