"""Faults of the live inventory's own kind: its server dies or goes back in time, replies are lost, clocks jump, clients
die in the middle of a sale. Whole parts of the box office die in tests/chaos."""
