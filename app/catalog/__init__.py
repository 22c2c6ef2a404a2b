"""What can be sold: box offices, seasons, events, performances, plans, tariffs, prices, quotas.

Owns CAT-*, TAR-*, the limits of QUO-*, the plans and the views from the seats of SEA-*. Never touches orders.
"""
