"""The counter and its machines: counters, their sales in a queue, print jobs, the hub of the venue's devices.

Owns BOX-*, PRN-3, DEV-2's server side. Sells only through `app.sales`.
"""
