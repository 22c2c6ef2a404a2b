"""Who buys: customer cards over events, segments, consent, erasure, messages to buyers, the waitlist.

Owns WTL-1: the lists of those who wait for places and their settings. Will own CRM-1, CRM-2, COM-1; until then an order
keeps its buyer's name and e-mail itself. Never touches seats or money: whether there are places, and who is told of
them (WTL-2), is decided where they are sold (`app.sales.waitlist`).
"""
