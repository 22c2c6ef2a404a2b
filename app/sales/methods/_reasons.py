"""Why banks refuse, in words that tell the buyer what to do next (PAY-10).

The bank's own code and text are stored and shown to operators as they came; buyers read these sentences instead.
A bank that suspects fraud must not be quoted to whoever holds the card: lost, stolen and fraudulent read as a plain no.
"""

from __future__ import annotations

from app.core.i18n import N_

LIMIT = N_("This card has reached its limit. Please use another card or call your bank.")
CODE = N_("The card's security code is wrong. Please check the three or four digits and try again.")
NUMBER = N_("The card number is wrong. Please check it and try again.")
EXPIRY = N_("The card's expiry date is wrong. Please check it and try again.")
LATER = N_("The bank could not process the payment. Please try again in a moment.")
PLAIN_NO = N_("Your bank declined this payment without giving a reason. Please use another card or call your bank.")

SENTENCES = {
    "insufficient_funds": N_("There is not enough money on this card's account. Please use another card."),
    "card_velocity_exceeded": LIMIT,
    "withdrawal_count_limit_exceeded": LIMIT,
    "expired_card": N_("This card has expired. Please use another card."),
    "incorrect_cvc": CODE,
    "invalid_cvc": CODE,
    "incorrect_number": NUMBER,
    "invalid_number": NUMBER,
    "invalid_expiry_month": EXPIRY,
    "invalid_expiry_year": EXPIRY,
    "card_not_supported": N_("This card cannot be used for this kind of purchase. Please use another card."),
    "currency_not_supported": N_("This card cannot pay in this currency. Please use another card."),
    "authentication_required": N_("Your bank wanted to make sure that it is you. Please try again and confirm."),
    "payment_intent_authentication_failure": N_(
        "The payment was not confirmed with your bank. Please try again, or use another card."
    ),
    "processing_error": LATER,
    "issuer_not_available": N_("Your bank could not be reached. Please try again in a moment, or use another card."),
    "try_again_later": LATER,
}


def explain_refusal(reason_code: str) -> str:
    """Message id for the buyer; any code, also one that banks invent tomorrow."""
    return SENTENCES.get(reason_code, PLAIN_NO)
