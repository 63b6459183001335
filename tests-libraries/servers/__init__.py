"""Servers of databases, started for the tests: real ones, as an ordinary user, on loopback."""
