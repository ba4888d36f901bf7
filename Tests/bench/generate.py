"""Members and sales for the bench: arithmetic, no randomness, so that two runs do the same work."""
import json
import sys

members, sales, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def card(number):
    """An EAN-13 of the in-store range 2984 with its check digit (GS1 General Specifications 7.9.1)."""
    digits = f"2984{number:08d}"
    total = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits))
    return digits + str(-total % 10)


with open(f"{folder}/members.csv", "w") as out:
    out.write("id,cards,tier\n")
    for n in range(members):
        out.write(f"m{n},{card(n)},{'gold' if n % 3 == 0 else 'club'}\n")


def sale(n, start):
    lines = []
    total = 0
    for i in range(5):
        pence = 100 + (n * 37 + i * 411) % 1900
        total += pence
        lines.append({"id": str(i + 1), "kind": "item", "code": {"value": f"p{(n + i) % 5000}", "scheme": "sku"},
                      "qty": "1", "uom": "ea", "amount": f"{pence / 100:.2f}"})
    minute, second = n // 60 % 1440, n % 60
    time = f"2026-11-{1 + n // 86400:02d}T{minute // 60:02d}:{minute % 60:02d}:{second:02d}Z"
    return {"v": 1, "type": "sale.complete", "id": f"{start}-{n}", "source": "1/1", "time": time,
            "sale": {"store": "1", "register": "1", "number": f"{start}{n}", "kind": "sale", "state": "completed",
                     "closed_at": time, "currency": "GBP", "lines": lines,
                     "tenders": [{"kind": "cash", "amount": f"{total / 100:.2f}"}],
                     "totals": {"grand": f"{total / 100:.2f}"},
                     "members": [{"value": card(n * 7 % members), "scheme": "card", "entry": "till"}]}}


for name, count, start in (("sales", sales, 1), ("second", 1000, 2)):
    with open(f"{folder}/{name}.ndjson", "w") as out:
        for n in range(count):
            out.write(json.dumps(sale(n, start), separators=(",", ":")) + "\n")
