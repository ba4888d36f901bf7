public import LoyaltyModel

/// One card reader. Part of the status, and of `GET /v1/readers`.
public struct ReaderReport: Hashable, Sendable, Codable {
    public enum State: String, Sendable, Codable, CaseIterable {
        case ready, starting
        /// Was here and is unplugged.
        case gone
        /// Something is wrong with it; `problem` and `remedy` say what.
        case trouble
        /// Seen, but not one that this program reads.
        case unsupported
    }

    public var id: ReaderID
    /// Maker and model in words.
    public var name: String
    public var state: State
    /// Vendor and product, `05e0:1200`.
    public var usb: String?
    public var path: String?
    public var serial: String?
    /// The protocol it is read with.
    public var driver: String?
    public var firmware: String?
    public var register: String?
    public var readsToday: Int
    public var refusedToday: Int
    public var errors: Int
    public var lastReadAt: Timestamp?
    public var problem: String?
    public var remedy: String?
    /// The state in a finer word: `no_permission`, `busy`, `unclaimed_keyboard`, `failed`.
    public var word: String?
    /// What it should be told of although it works, as a stable word: `reader_encrypting`.
    public var notice: String?

    private enum CodingKeys: String, CodingKey {
        case id, name, state, usb, path, serial, driver, firmware, register, errors, problem, remedy, word, notice
        case readsToday = "reads_today"
        case refusedToday = "refused_today"
        case lastReadAt = "last_read_at"
    }

    public init(id: ReaderID, name: String, state: State) {
        self.id = id
        self.name = name
        self.state = state
        readsToday = 0
        refusedToday = 0
        errors = 0
    }
}
