"""The proof that deploys, crashes and recycling lose nothing: client, faults, cells, report."""
