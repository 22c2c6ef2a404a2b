"""Selling: carts and their holds, orders, tickets, payments, refunds, confirmations.

Owns ORD-*, PAY-*, the ledger's side of LIVE-7 and LIVE-10, and the rebuilding of the live inventory from the ledger.
Never decides who may come in at the door.
"""
