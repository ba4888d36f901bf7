import FoundationEssentials
import LoyaltyModel

/// What a day must come to, worked out by somebody else (Examples/demo/expected.py).
struct ExpectedDay: Decodable, Sendable {
    struct Figures: Decodable, Sendable {
        var sales: Int
        var returns: Int
        var matched: Int
        var unknownCards: Int
        var pointsEarned: DecimalNumber
        var pointsTakenBack: DecimalNumber

        private enum CodingKeys: String, CodingKey {
            case sales, returns, matched
            case unknownCards = "unknown_cards"
            case pointsEarned = "points_earned"
            case pointsTakenBack = "points_taken_back"
        }
    }

    struct SalePoints: Decodable, Sendable {
        /// nil for a card that nobody knows.
        var member: String?
        var points: DecimalNumber
    }

    var figures: Figures
    /// By the number of the sale.
    var bySale: [String: SalePoints]

    private enum CodingKeys: String, CodingKey {
        case figures
        case bySale = "by_sale"
    }

    /// - Throws: `sim.file`, `sim.expected`.
    static func load(_ path: String) throws(LoyaltyError) -> ExpectedDay {
        do { return try JSONDecoder().decode(ExpectedDay.self, from: Data(try readFile(path))) } catch {
            throw error as? LoyaltyError
                ?? LoyaltyError(.simulatorExpected, "not the output of expected.py: \(error)", at: Place(file: path))
        }
    }
}

/// The transactions that the back end has written down.
struct ArrivedTransactions: Sendable {
    struct Sale: Sendable, Hashable {
        var member: String?
        var points = DecimalNumber.zero
    }

    private struct Event: Decodable {
        struct Payload: Decodable {
            struct Reference: Decodable {
                var number: String
                var epoch: String
            }

            struct Accrual: Decodable { var total: DecimalNumber }

            var member: String?
            var sale: Reference
            var points: [Accrual]
        }

        var data: Payload
    }

    private(set) var count = 0
    private(set) var bySale: [String: Sale] = [:]
    private(set) var earned = DecimalNumber.zero
    private(set) var takenBack = DecimalNumber.zero

    /// Reads the record file of `loyaltysim upstream`, and of it the transactions of one epoch.
    ///
    /// - Throws: `sim.file`, `sim.record`, `number.overflow`.
    init(record path: String, epoch: String) throws(LoyaltyError) {
        let bytes = try readFile(path)
        // The back end may be in the middle of a line.
        let finished = bytes.lastIndex(of: UInt8(ascii: "\n")).map { bytes[..<$0] } ?? []
        for (index, line) in finished.split(separator: UInt8(ascii: "\n")).enumerated() {
            let payload: Event.Payload
            do { payload = try JSONDecoder().decode(Event.self, from: Data(line)).data } catch {
                throw LoyaltyError(
                    .simulatorRecord, "no transaction: \(error)", at: Place(file: path, line: index + 1))
            }
            if payload.sale.epoch == epoch { try add(payload) }
        }
    }

    private mutating func add(_ payload: Event.Payload) throws(LoyaltyError) {
        count += 1
        var sale = bySale[payload.sale.number] ?? Sale(member: payload.member)
        for accrual in payload.points {
            sale.points = try sale.points.adding(accrual.total)
            if accrual.total.isNegative {
                takenBack = try takenBack.adding(accrual.total.negated())
            } else {
                earned = try earned.adding(accrual.total)
            }
        }
        bySale[payload.sale.number] = sale
    }

    /// Where this differs from what was expected, sale by sale; empty where it does not.
    func differences(from expected: ExpectedDay) -> [String] {
        var differences: [String] = []
        for (number, wanted) in expected.bySale.sorted(by: { $0.key < $1.key }) {
            let found = bySale[number]
            if found == nil, wanted.points.isZero { continue }
            if found?.points != wanted.points {
                differences.append(
                    "sale \(number): \(found?.points.description ?? "no") points, expected \(wanted.points)")
            } else if found?.member != wanted.member {
                differences.append(
                    "sale \(number): member \(found?.member ?? "none"), expected \(wanted.member ?? "none")")
            }
        }
        for number in bySale.keys.sorted() where expected.bySale[number] == nil {
            differences.append("sale \(number): a transaction, expected none")
        }
        return differences
    }
}

extension LoyaltyError.Code {
    static let simulatorExpected = Self("sim.expected", kind: .badData)
}
