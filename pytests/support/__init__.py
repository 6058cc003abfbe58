"""What the black-box tests share: doors, servers, a strict raw client."""
