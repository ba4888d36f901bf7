public import LoyaltyModel

/// A line of a till that could not be taken; `GET /v1/quarantine`.
public struct QuarantinedLine: Hashable, Sendable, Codable {
    public var number: Int64
    public var receivedAt: Timestamp
    /// As in the answer to the till.
    public var code: String
    public var message: String
    /// Without card numbers; long ones are cut.
    public var line: String

    private enum CodingKeys: String, CodingKey {
        case number, code, message, line
        case receivedAt = "received_at"
    }

    public init(number: Int64, receivedAt: Timestamp, code: String, message: String, line: String) {
        self.number = number
        self.receivedAt = receivedAt
        self.code = code
        self.message = message
        self.line = line
    }
}
