"""One true example of each way in which the recognizers know data: numbers for documentation, and made-up secrets."""

PEM_LINE = "MIIEowIBAAKCAQEAx0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH+/0"
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + f"{PEM_LINE}\n" * 3 + "abcd=\n-----END RSA PRIVATE KEY-----"

EXAMPLES = {
    "EMAIL": ("ada@example.com", "o'brien+tag@mail.example.co.uk", "rené@exämple.de"),
    "PHONE": (
        "+44 20 7946 0958",
        "+1 (555) 123-4567 ext. 89",
        "+14155550123",
        "0049 30 123456",
        "(555) 123-4567x12",
        "555-123-4567",
        "020 7946 0958",
    ),
    "CARD": ("4111 1111 1111 1111", "4111111111111111", "5555-5555-5555-4444", "3782 822463 10005"),
    "IBAN": ("GB82 WEST 1234 5698 7654 32", "gb82west12345698765432", "DE89370400440532013000"),
    "IP": ("192.168.0.1", "fe80::1ff:fe23:4567:890a", "2001:db8::8a2e:370:7334"),
    "SSN": ("078-05-1120", "219 09 9999"),
    "SECRET": (
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a1B2" * 9,
        "glpat-a1B2c3D4e5F6g7H8i9J0",
        "xoxb-123456789012-abcdefABCDEF",
        "sk-proj-A1b2C3d4E5f6G7h8I9j0K1",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc-_DEF",
        PEM,
        PEM.replace("\n", "\\n"),
        PEM.replace("\n", "\r\n"),
        PEM[:161],
    ),
}

ALL = [(type_, example) for type_, examples in EXAMPLES.items() for example in examples]
