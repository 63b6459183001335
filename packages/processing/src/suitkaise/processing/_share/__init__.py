"""How a `Share` works: its way in, the process that lets members in, and who watches over that."""
