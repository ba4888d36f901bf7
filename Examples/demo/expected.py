#!/usr/bin/env python3
"""What a day of the Online Retail data set must come to under Examples/demo/program.toml.

A second calculation that shares nothing with loyaltyd: it reads the CSV and follows these rules.

- One invoice is one sale. Its member is the customer; an invoice without a customer has no member, but the first such
  sale is made with a card that nobody knows, and earns as an ordinary member would.
- Goods are all lines but carriage (POST, DOT, C2), bank and marketplace fees, corrections and samples (M, D, S, B),
  donations and gift vouchers, and but the stock code 22834.
- A sale earns floor(goods / 1.00) points, for gold members floor(goods x 1.25 / 1.00), and 50 more where its goods come
  to 50.00 or more. Gold are the customers whose number is a multiple of 3.
- The points belong to the lines of goods in proportion to their amounts, those for the amount and the 50 each by
  themselves: each line has the whole part of its share, and the points then left over go one by one to the largest
  fractions, the earlier line first.
- A returned line names no purchase. It goes back to the member's last purchase of the stock code that has goods left to
  return, and takes floor(line's points x pieces returned so far / pieces bought), less what was taken before; so all
  pieces together take all the points. A piece that was not bought that day takes nothing.

    expected.py SALES.csv [--table]        prints JSON: figures of the day, and points for each invoice
"""
import csv
import json
import sys
from decimal import ROUND_FLOOR, Decimal

UNKNOWN_CARD = "unknown card"
NOT_GOODS = {"POST", "DOT", "C2", "BANK CHARGES", "AMAZONFEE", "M", "D", "S", "B", "CRUK", "22834"}
THRESHOLD, BONUS = Decimal("50.00"), 50


def whole(number):
    return int(number.to_integral_value(ROUND_FLOOR))


def is_goods(code):
    return code.upper() not in NOT_GOODS and not code.upper().startswith("GIFT_")


def invoices(path):
    """The invoices in the order of the file: number, customer, lines of (code, pieces, amount)."""
    found = {}
    with open(path, newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            customer = row["CustomerID"].split(".")[0]
            invoice = found.setdefault(row["InvoiceNo"], (customer, []))
            pieces = int(row["Quantity"])
            invoice[1].append((row["StockCode"], pieces, pieces * Decimal(row["UnitPrice"])))
    return [(number, customer, lines) for number, (customer, lines) in found.items()]


def shares(points, amounts):
    """Whole points in proportion to amounts, their sum exact."""
    total = sum(amounts)
    if not total:
        return [0] * len(amounts)
    exact = [points * amount / total for amount in amounts]
    given = [whole(share) for share in exact]
    by_fraction = sorted(range(len(amounts)), key=lambda i: (-(exact[i] - given[i]), i))
    for index in by_fraction[: points - sum(given)]:
        given[index] += 1
    return given


class Purchase:
    """One sale of one member, with what of it was returned."""

    def __init__(self, lines, gold):
        goods = [(code, pieces, amount) for code, pieces, amount in lines if is_goods(code)]
        amounts = [amount for _, _, amount in goods]
        total = sum(amounts, Decimal(0))
        base = whole(total * Decimal("1.25")) if gold else whole(total)
        bonus = BONUS if total >= THRESHOLD else 0
        self.points = base + bonus
        points = [first + second for first, second in zip(shares(base, amounts), shares(bonus, amounts))]
        # code, pieces bought, points, pieces returned
        self.lines = [[code, pieces, share, 0] for (code, pieces, _), share in zip(goods, points)]

    def take_back(self, code, pieces):
        """Pieces that find no room in this purchase, and the points that go with the others."""
        taken = 0
        for line in self.lines:
            _, bought, points, returned = line
            if line[0] != code or bought <= returned or not pieces:
                continue
            back = min(pieces, bought - returned)
            taken += points * (returned + back) // bought - points * returned // bought
            line[3] += back
            pieces -= back
        return pieces, taken


def day(path):
    bought = {}
    by_sale = {}
    figures = dict.fromkeys(
        ("sales", "returns", "matched", "unknown_cards", "points_earned", "points_taken_back"), 0)
    for number, customer, lines in invoices(path):
        is_return = all(pieces < 0 for _, pieces, _ in lines)
        figures["sales"] += 1
        figures["returns"] += is_return
        member = customer
        if customer:
            figures["matched"] += 1
        elif not is_return and not figures["unknown_cards"]:
            figures["unknown_cards"] = 1
            member = UNKNOWN_CARD
        if not member:
            continue
        gold = member != UNKNOWN_CARD and int(member) % 3 == 0
        if is_return:
            taken = 0
            for code, pieces, _ in lines:
                left = -pieces
                for purchase in reversed(bought.get(member, [])):
                    left, points = purchase.take_back(code, left)
                    taken += points
            figures["points_taken_back"] += taken
            points = -taken
        else:
            if any(pieces < 0 for _, pieces, _ in lines):
                sys.exit(f"{number} has goods in both directions; these rules do not cover it")
            purchase = Purchase(lines, gold)
            bought.setdefault(member, []).append(purchase)
            points = purchase.points
            figures["points_earned"] += points
        by_sale[number] = {
            "member": f"m{member}" if member != UNKNOWN_CARD else None, "points": str(points)}
    for name in ("points_earned", "points_taken_back"):
        figures[name] = str(figures[name])
    return {"figures": figures, "by_sale": by_sale}


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    result = day(sys.argv[1])
    if "--table" in sys.argv[2:]:
        for name, value in result["figures"].items():
            print(f"{name:20} {value:>10}")
    else:
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
