"""`python -m botctl`."""

from botctl.cli.main import main

main()
