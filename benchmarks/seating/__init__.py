"""Figures of the live inventory, a file a figure: holding and giving up seats, choosing the best ones, what lapsing
holds cost the others, what a seat weighs in Redis, how long a house is away when it is rebuilt from the ledger.

The house is a ground of 60,000 seats, where nothing that grows with the house stays hidden.
"""
