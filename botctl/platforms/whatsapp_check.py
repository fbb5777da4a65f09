"""What `botctl doctor` and `botctl webhook` ask WhatsApp about a number; nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botctl.platforms.platform import Checked, Registration
from botctl.platforms.whatsapp_graph import Graph, GraphError, send_error

_NEEDED = ("whatsapp_business_messaging", "whatsapp_business_management")


async def check_number(graph: Graph, phone_number_id: str, webhook_url: str) -> tuple[Checked, ...]:
    """The number, the token's permissions, and where messages go."""
    try:
        number = await graph.get(phone_number_id, fields="display_phone_number,verified_name,quality_rating")
    except GraphError as error:
        help = "set `access_token` to one that is valid, and `phone_number_id` to the id of a number of its"
        return (Checked(is_well=False, fact=send_error(error).message, help=help),)
    name, rating = number.get("verified_name") or "without a name", number.get("quality_rating") or "unknown"
    fact = f"the number is {number.get('display_phone_number') or '?'} ({name}), quality {rating}"
    return (
        Checked(
            is_well=rating != "RED",
            fact=fact,
            help="users block or report it: WhatsApp will let it send less" if rating == "RED" else "",
        ),
        *await _permissions(graph),
        await _webhook(graph, phone_number_id, webhook_url),
    )


async def registration_of(graph: Graph, phone_number_id: str) -> Registration:
    """Where messages go: the number's own address counts before the account's, and that before the app's
    (Meta's page on webhook overrides, as pywa 4.5 has it)."""
    found = await graph.get(phone_number_id, fields="webhook_configuration")
    configuration = found.get("webhook_configuration")
    places: Mapping[str, Any] = configuration if isinstance(configuration, dict) else {}
    for place in ("phone_number", "whatsapp_business_account", "application"):
        if places.get(place):
            return Registration(url=str(places[place]))
    return Registration()


async def _permissions(graph: Graph) -> tuple[Checked, ...]:
    """What the token may do. Graph's debug_token would tell more, but takes the token in its address, where
    it gets into logs."""
    try:
        found = (await graph.get("me/permissions")).get("data")
    except GraphError:
        return ()  # not every kind of token may ask
    granted = {
        str(one.get("permission"))
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, dict) and one.get("status") == "granted"
    }
    missing = [one for one in _NEEDED if one not in granted]
    if not granted or not missing:
        return (Checked(is_well=True, fact="the access token is valid"),)
    help = "make a token of a system user with it: Business settings > System users"
    return (Checked(is_well=False, fact=f"the access token lacks {' and '.join(missing)}", help=help),)


async def _webhook(graph: Graph, phone_number_id: str, webhook_url: str) -> Checked:
    try:
        url = (await registration_of(graph, phone_number_id)).url
    except GraphError as error:
        return Checked(is_well=False, fact=f"where messages go is not told: {error.message}", help=_WAY_OUT)
    wanted = webhook_url or "https://<this server>/webhooks/<bot>/whatsapp"
    help = (
        f"use `botctl webhook set`, or enter {wanted} in the app's dashboard under WhatsApp > Configuration,"
        " with `verify_token`, and subscribe to `messages`"
    )
    if not url:
        return Checked(is_well=False, fact="messages go nowhere: no webhook is set", help=help)
    if webhook_url and url != webhook_url:
        return Checked(is_well=False, fact=f"messages go to {url}, not to {webhook_url}", help=help)
    return Checked(is_well=True, fact=f"messages go to {url}")


_WAY_OUT = "see that `access_token` has the permission whatsapp_business_management"
