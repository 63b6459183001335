"""What `Share` is made of: an ordered log in shared memory, and a replica of it in each process."""
