"""What the accountant reads: statements, payouts, invoices, credit notes, closings, exports, statistics.

Will own PAY-11, PAY-16, STA-1 and the periodic closings of AHEAD-5. Nothing lives here yet: the hash-chained journal
that it will close is kept by `app.core.journal` from the first order on. Reads the ledger, never changes an order.
"""
