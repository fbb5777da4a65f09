"""The payments: of the orders in shop_server, whether their money arrived. They are always the same."""

from __future__ import annotations

from typing import NamedTuple


class Payment(NamedTuple):
    """status: authorized (promised), captured (arrived) or voided (taken back); amount: in dollars."""

    order_id: str
    status: str
    amount: float
    card: str


_PAYMENTS = (
    Payment("1041", "captured", 13.50, "4242"),
    Payment("1042", "captured", 49.80, "4242"),
    Payment("1043", "authorized", 114.00, "1881"),
    Payment("1044", "captured", 887.90, "1881"),
    Payment("1045", "voided", 39.60, "0005"),
)


def payment_of(order_id: str) -> Payment | None:
    """The payment of an order, None if nobody ever tried to pay it."""
    return next((payment for payment in _PAYMENTS if payment.order_id == order_id), None)
