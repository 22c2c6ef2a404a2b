"""Who buys: customer cards over events, segments, consent, erasure, messages to buyers, the waitlist.

Will own CRM-1, CRM-2, COM-1, WTL-1, WTL-2. Nothing lives here yet: an order keeps its buyer's name and e-mail itself.
Never touches seats or money.
"""
