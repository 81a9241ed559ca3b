"""Commands under kills, damage, full disks and lost terminals, at random: ``python -m tests.stress``."""
