/// A naive account of what a till's documents should give, kept apart from the ledger's way of working: one point per
/// pound, whole pounds, quantities in thousandths, everything recomputed from the lists on each question.
struct HistoryModel {
    struct Line: Equatable {
        var code: String
        var quantity: Int
        var pounds: Int
    }

    struct Return: Equatable {
        var code: String
        var quantity: Int
        /// The number of the sale, nil for a return without receipt.
        var sale: String?
    }

    struct Document: Equatable {
        var number: String
        var revision: Int
        var closed: Int
        var sold: [Line]
        var returns: [Return]
    }

    /// Part of a returned line, and how much of it found room in the sale.
    private struct Piece {
        var document: String
        var line: Int
        var code: String
        var quantity: Int
        var placed: Int
    }

    private final class Sale {
        var document: Document
        var holder: String?
        var isVoided = false
        var pieces: [Piece] = []
        init(_ document: Document, _ holder: String?) { (self.document, self.holder) = (document, holder) }
    }

    private struct Waiting {
        var document: String
        var line: Int
        var wanted: Return
        var closed: Int
    }

    private var sales: [Sale] = []
    private var voidedEarly: Set<String> = []
    private var waiting: [Waiting] = []

    private func sale(_ number: String) -> Sale? { sales.first { $0.document.number == number } }

    /// Answers whether it had an effect.
    mutating func complete(_ document: Document, _ holder: String?) {
        guard let known = sale(document.number) else {
            let new = Sale(document, holder)
            new.isVoided = voidedEarly.remove(document.number) != nil
            for open in waiting
            where open.wanted.sale == document.number && open.closed >= document.closed {
                new.pieces.append(
                    Piece(
                        document: open.document, line: open.line, code: open.wanted.code,
                        quantity: open.wanted.quantity, placed: 0))
            }
            waiting.removeAll { $0.wanted.sale == document.number && $0.closed >= document.closed }
            sales.append(new)
            place(new)
            if !new.isVoided { take(new) }
            return
        }
        guard document.revision > known.document.revision else { return }
        known.document = document
        guard !known.isVoided else { return }
        known.holder = known.holder ?? holder
        release(document.number)
        place(known)
        take(known)
    }

    mutating func attachLate(_ number: String, _ holder: String) {
        guard let known = sale(number), known.holder == nil, !known.isVoided else { return }
        known.holder = holder
        place(known)
        take(known)
    }

    mutating func void(_ number: String) {
        guard let known = sale(number) else {
            voidedEarly.insert(number)
            return
        }
        guard !known.isVoided else { return }
        known.isVoided = true
        release(number)
    }

    private mutating func release(_ number: String) {
        for sale in sales { sale.pieces.removeAll { $0.document == number } }
        waiting.removeAll { $0.document == number }
    }

    private func room(_ sale: Sale, _ code: String) -> Int {
        let bought = sale.document.sold.first { $0.code == code }?.quantity ?? 0
        return max(bought - sale.pieces.filter { $0.code == code }.reduce(0) { $0 + $1.placed }, 0)
    }

    private func place(_ sale: Sale) {
        for index in sale.pieces.indices { sale.pieces[index].placed = 0 }
        for index in sale.pieces.indices {
            sale.pieces[index].placed = min(sale.pieces[index].quantity, room(sale, sale.pieces[index].code))
        }
    }

    private mutating func take(_ document: Sale) {
        let number = document.document.number
        for (line, wanted) in document.document.returns.enumerated() {
            let done =
                sales.flatMap(\.pieces).filter { $0.document == number && $0.line == line }.reduce(0) {
                    $0 + $1.quantity
                }
                + waiting.filter { $0.document == number && $0.line == line }.reduce(0) { $0 + $1.wanted.quantity }
            var open = wanted.quantity - done
            guard open > 0 else { continue }
            if let name = wanted.sale {
                guard let origin = sale(name), origin.document.closed <= document.document.closed else {
                    waiting.append(
                        Waiting(document: number, line: line, wanted: wanted, closed: document.document.closed))
                    continue
                }
                let part = min(open, room(origin, wanted.code))
                if part > 0 { append(origin, number, line, wanted.code, part) }
            } else if let holder = document.holder {
                let purchases = sales.enumerated().filter { _, sale in
                    sale.holder == holder && !sale.isVoided && sale !== document
                        && sale.document.closed <= document.document.closed
                }
                .sorted { ($0.element.document.closed, $0.offset) > ($1.element.document.closed, $1.offset) }
                for (_, origin) in purchases {
                    let part = min(open, room(origin, wanted.code))
                    guard part > 0 else { continue }
                    append(origin, number, line, wanted.code, part)
                    open -= part
                }
            }
        }
    }

    private func append(_ origin: Sale, _ document: String, _ line: Int, _ code: String, _ part: Int) {
        origin.pieces.append(Piece(document: document, line: line, code: code, quantity: part, placed: part))
    }

    /// What each holder has in the end, zeros left out.
    var balances: [String: Int] {
        var sums: [String: Int] = [:]
        for sale in sales where !sale.isVoided {
            guard let holder = sale.holder else { continue }
            for line in sale.document.sold {
                let back = line.quantity - room(sale, line.code)
                sums[holder, default: 0] += line.pounds - line.pounds * back / line.quantity
            }
        }
        return sums.filter { $0.value != 0 }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same histories on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
