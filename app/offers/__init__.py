"""What makes a price another price: promo codes, packages, passes, lists, vouchers, group prices.

Will own PRO-1 to PRO-4, PAS-1 to PAS-5, LST-1, LST-2, PAY-12, PAY-13. Nothing lives here yet: a ticket costs what its
tariff says. Decides prices, never takes seats or money.
"""
