"""What redaction needs of `cryptography`: tokens that can be opened again, and the map of pseudonyms."""
