"""What can be sold: box offices, seasons, events, performances, plans, tariffs, prices, quotas.

Owns CAT-*, TAR-*, the limits of QUO-* and the plans of SEA-*. Never touches orders.
"""
