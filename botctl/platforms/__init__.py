"""The platforms that a bot may talk on."""

from botctl.platforms.console import CONSOLE
from botctl.platforms.custom import CUSTOM
from botctl.platforms.discord import DISCORD
from botctl.platforms.platform import Platform
from botctl.platforms.slack import SLACK
from botctl.platforms.telegram import TELEGRAM
from botctl.platforms.whatsapp import WHATSAPP

PLATFORMS: tuple[Platform, ...] = (CONSOLE, CUSTOM, DISCORD, SLACK, TELEGRAM, WHATSAPP)
