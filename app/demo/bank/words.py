"""The bank's texts, in French and English. Not in the box office's catalogues: this is another house."""

from __future__ import annotations

from decimal import Decimal

from babel.core import negotiate_locale
from babel.numbers import format_currency, get_currency_precision

LANGUAGES = ("fr", "en")

# key: (English, French)
WORDS: dict[str, tuple[str, str]] = {
    "bank": ("Banque de la Démo", "Banque de la Démo"),
    "play_money": (
        "Demo bank. No real money moves here: never type a real card.",
        "Banque de démonstration. Aucun argent réel ici : ne saisissez jamais une vraie carte.",
    ),
    "to_pay": ("To pay", "À payer"),
    "order": ("Order", "Commande"),
    "page_open_until": ("This page stays open until {time}.", "Cette page reste ouverte jusqu’à {time}."),
    "back": ("Back to the box office", "Retour à la billetterie"),
    "pay_by_card": ("Pay by card", "Payer par carte"),
    "number": ("Card number", "Numéro de carte"),
    "expiry": ("Expires", "Expire fin"),
    "expiry_form": ("MM / YY", "MM / AA"),
    "code": ("Security code", "Cryptogramme"),
    "code_form": ("3 digits", "3 chiffres"),
    "pay": ("Pay {amount}", "Payer {amount}"),
    "working": ("One moment…", "Un instant…"),
    "receipt_to": ("Receipt to {email}", "Reçu envoyé à {email}"),
    "specimen": ("SPECIMEN", "SPÉCIMEN"),
    "test_cards": ("Test cards", "Cartes de test"),
    "test_cards_how": (
        "Choose one to fill in the form. Any date to come and any three digits will do.",
        "Touchez-en une pour remplir le formulaire. Toute date à venir et trois chiffres quelconques conviennent.",
    ),
    "succeeds": ("Pays at once", "Paie aussitôt"),
    "succeeds_too": ("Pays at once (Mastercard)", "Paie aussitôt (Mastercard)"),
    "needs_confirming": ("Asks to confirm (3-D Secure)", "Demande confirmation (3-D Secure)"),
    "insufficient_funds": ("Refused: not enough money", "Refusée : provision insuffisante"),
    "generic_decline": ("Refused without a reason", "Refusée sans motif"),
    "expired_card": ("Refused: card expired", "Refusée : carte expirée"),
    "declined_after_confirming": ("Refused after confirming", "Refusée après confirmation"),
    "late": ("Paid, but the news comes seconds later", "Payée, mais la nouvelle arrive plus tard"),
    "twice": ("Paid, and the news comes twice", "Payée, et la nouvelle arrive deux fois"),
    "bad_number": ("This is no card number. Please check its digits.", "Ce numéro n’est pas valable. Vérifiez-le."),
    "no_test_card": (
        "This is not one of the test cards. Nothing was kept: please choose one from the list.",
        "Ce n’est pas une carte de test. Rien n’a été conservé : choisissez-en une dans la liste.",
    ),
    "bad_expiry": ("Month and year to come, such as 12/34.", "Un mois et une année à venir, comme 12/34."),
    "bad_code": ("Three or four digits.", "Trois ou quatre chiffres."),
    "refused": ("The payment was refused", "Le paiement a été refusé"),
    "refused_next": (
        "Nothing was charged. You can try another card, or go back to the box office.",
        "Rien n’a été débité. Essayez une autre carte, ou revenez à la billetterie.",
    ),
    "why_insufficient_funds": (
        "The account of this card does not hold enough money.",
        "Le compte de cette carte n’est pas assez approvisionné.",
    ),
    "why_generic_decline": ("The bank gives no reason.", "La banque n’indique pas de motif."),
    "why_expired_card": ("This card has expired.", "Cette carte a expiré."),
    "why_payment_intent_authentication_failure": (
        "The payment was not confirmed.",
        "Le paiement n’a pas été confirmé.",
    ),
    "challenge_bank": ("Your card’s bank", "La banque de votre carte"),
    "challenge": ("Is it you?", "Est-ce bien vous ?"),
    "challenge_text": (
        "Someone wants to pay with your card. A real bank would ask on your phone; here, decide yourself.",
        "Quelqu’un veut payer avec votre carte. Une vraie banque le demanderait sur votre téléphone ; "
        "ici, décidez vous-même.",
    ),
    "to_whom": ("To", "À"),
    "amount": ("Amount", "Montant"),
    "card": ("Card", "Carte"),
    "approve": ("Yes, pay", "Oui, payer"),
    "refuse": ("No, refuse", "Non, refuser"),
    "paid_title": ("Paid", "Payé"),
    "paid_text": (
        "This payment is complete. There is nothing more to do here.",
        "Ce paiement est terminé. Il n’y a plus rien à faire ici.",
    ),
    "busy_title": ("On its way", "En route"),
    "busy_text": (
        "The bank is working on this payment. The box office hears from us in a moment.",
        "La banque traite ce paiement. La billetterie en sera informée dans un instant.",
    ),
    "closed_title": ("This page is closed", "Cette page est fermée"),
    "closed_text": (
        "Its time is over, or the box office has closed it. Nothing was charged. "
        "To pay, please start again from the box office.",
        "Le temps est écoulé, ou la billetterie l’a fermée. Rien n’a été débité. "
        "Pour payer, repartez de la billetterie.",
    ),
    "unknown_title": ("No such payment", "Paiement inconnu"),
    "unknown_text": (
        "This address leads to no payment. The link may be incomplete.",
        "Cette adresse ne mène à aucun paiement. Le lien est peut-être incomplet.",
    ),
    "journal": ("What the bank saw", "Ce que la banque a vu"),
    "journal_text": (
        "The latest payment pages, and what the box office was told.",
        "Les dernières pages de paiement, et ce que la billetterie en a su.",
    ),
    "nothing_yet": ("Nothing yet: no payment has been started.", "Rien encore : aucun paiement n’a commencé."),
    "told": ("told after {attempts} tries", "annoncé en {attempts} essais"),
    "told_once": ("told", "annoncé"),
    "not_told": ("not answered yet ({result})", "pas encore répondu ({result})"),
    "state_open": ("waits", "en attente"),
    "state_paid": ("paid", "payé"),
    "state_processing": ("on its way", "en route"),
    "state_refused": ("refused", "refusé"),
    "state_expired": ("closed", "fermé"),
    "state_refunded": ("refunded {amount}", "remboursé {amount}"),
}


def choose_language(forced: str | None, session_locale: str | None, header: str | None) -> str:
    """What the reader asked for on the page, else what the box office said, else the browser's."""
    for asked in (forced, (session_locale or "").split("-")[0]):
        if asked in LANGUAGES:
            return str(asked)
    preferred = [part.split(";")[0].strip().replace("-", "_") for part in (header or "").split(",") if part.strip()]
    return negotiate_locale(preferred, list(LANGUAGES)) or "en"


def word(key: str, language: str, **values: object) -> str:
    english, french = WORDS[key]
    return (french if language == "fr" else english).format(**values)


def explain(error: dict[str, str], language: str) -> str:
    key = f"why_{error.get('decline_code') or error.get('code')}"
    return word(key, language) if key in WORDS else error.get("message", "")


def show_amount(amount: int, currency: str, language: str) -> str:
    """`amount` is in the wire's units; the double only meets currencies where those are the usual ones."""
    precision = get_currency_precision(currency.upper())
    digits = f"{amount:0{precision + 1}d}"
    shown = f"{digits[:-precision]}.{digits[-precision:]}" if precision else digits
    return format_currency(Decimal(shown), currency.upper(), locale=language)
