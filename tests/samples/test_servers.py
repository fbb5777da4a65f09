"""What the samples' servers promise: the same call again does the same, and nonsense is refused."""

from __future__ import annotations

import pytest

from workspaces.catalogue_server import products
from workspaces.hr_server.staff import Refused, open_staff
from workspaces.incidents_server.incidents import open_incidents
from workspaces.leads_server.leads import Lead, open_leads
from workspaces.members_server.members import Member, open_members
from workspaces.parcels_server.parcels import NotDelivered, open_parcels
from workspaces.payments_server.payments import payment_of
from workspaces.shop_server.orders import open_orders


def test_leave_asked_for_twice_is_one_request_and_declined_days_come_back() -> None:
    staff = open_staff(":memory:")
    balances = []

    first = staff.submit("Ines@example.com", "2026-03-02", "2026-03-06", 5)
    again = staff.submit("ines@example.com", "2026-03-02", "2026-03-06", 5)
    for status in ("approved", "approved", "declined"):
        staff.decide(first.id, status)
        employee = staff.get("ines@example.com")
        balances.append(employee and employee.balance)

    assert (first, balances) == (again, [20, 20, 25])


@pytest.mark.parametrize(
    ("email", "days", "why"),
    [("tariq@example.com", 5, "has 4 days left, not 5"), ("eve@example.com", 1, "nobody here")],
)
def test_leave_that_nobody_has_is_refused(email: str, days: int, why: str) -> None:
    with pytest.raises(Refused, match=why):
        open_staff(":memory:").submit(email, "2026-03-02", "2026-03-06", days)


def test_a_request_that_is_not_there_cannot_be_decided() -> None:
    with pytest.raises(Refused, match="there is no request"):
        open_staff(":memory:").decide("x", "approved")


def test_an_order_is_sent_back_once_and_only_when_it_arrived() -> None:
    parcels = open_parcels(":memory:")

    labels = [parcels.open_return("1041", reason) for reason in ("broken", "broken")]

    assert labels == ["R-1041", "R-1041"]
    assert [parcels.delivery(order) for order in ("1041", "1042", "9")] == [(12, True), (None, False), None]
    with pytest.raises(NotDelivered, match="was not delivered"):
        parcels.open_return("1042", "broken")


def test_every_order_that_was_sent_has_a_parcel_and_a_payment_of_its_amount() -> None:
    orders, parcels = open_orders(":memory:"), open_parcels(":memory:")
    of_customers = [order for email in ("ada", "grace") for order in orders.of(f"{email}@example.com")]

    paid = {order["id"]: payment_of(order["id"]) for order in of_customers}

    assert {id: payment and payment.amount for id, payment in paid.items()} == {
        order["id"]: order["total"] for order in of_customers
    }
    arrived = {
        order["id"] for order in of_customers if (one := parcels.delivery(order["id"])) and one.days_ago
    }
    assert arrived == {order["id"] for order in of_customers if order["status"] == "delivered"}


def test_a_lead_and_a_member_are_kept_once_with_what_they_said_last() -> None:
    leads, members = open_leads(":memory:"), open_members(":memory:")

    new = [leads.save(Lead("a", "", 5, "sales", "month", score)) for score in (10, 90)]
    for role in ("maker", "teacher"):
        members.save(Member("a", "Ada", role, ["lamps"]))

    assert (new, [lead.score for lead in leads.all()]) == ([True, False], [90])
    assert (members.get("a"), members.get("b")) == (Member("a", "Ada", "teacher", ["lamps"]), None)


def test_an_alert_that_comes_again_is_the_same_incident() -> None:
    incidents = open_incidents(":memory:")

    ids = [incidents.create("mail", severity, "down").id for severity in ("P1", "P1", "P2")]

    assert (ids, incidents.lead(9, "kim")) == ([1, 1, 2], None)
    assert incidents.lead(1, "kim") == (1, "mail", "P1", "down", "kim")


@pytest.mark.parametrize(
    ("query", "found"),
    [("Do you have a desk lamp?", "desk-lamp"), ("pens", "fountain-pen"), ("elephant", None)],
)
def test_a_search_finds_the_product_that_is_meant_first(query: str, found: str | None) -> None:
    ids = [product.id for product in products.search(query)]

    assert (ids[0] if ids else None) == found


def test_what_goes_with_a_product_is_in_the_catalogue() -> None:
    missing = [id for one in products.PRODUCTS for id in one.goes_with if products.product(id) is None]

    assert missing == []
