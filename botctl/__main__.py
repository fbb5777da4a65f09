"""`python -m botctl`."""

from botctl.cli.start import main

main()
