"""Ways to reach a printer, one file each."""
