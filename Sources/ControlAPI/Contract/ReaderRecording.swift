public import LoyaltyModel

/// What `GET /v1/readers/reports` is asked for.
public struct ReaderRecordingRequest: Hashable, Sendable {
    public var reader: ReaderID
    /// Whether the digits of loyalty cards are wanted as they are. Payment cards are left out in any case.
    public var keepsDigits: Bool
    /// Who asks, as the kernel knows it; nil where it does not tell.
    public var userID: UInt32?

    public init(reader: ReaderID, keepsDigits: Bool = false, userID: UInt32? = nil) {
        self.reader = reader
        self.keepsDigits = keepsDigits
        self.userID = userID
    }
}

/// One line of the answer of `GET /v1/readers/reports`: the first has `device`, each further one one of the others.
public struct ReaderRecordingLine: Hashable, Sendable, Codable {
    /// The head of a capture file.
    public struct Device: Hashable, Sendable, Codable {
        public struct Setup: Hashable, Sendable, Codable {
            public var layout: String?
            public var terminators: [String]?
            public var gapMilliseconds: Int?

            private enum CodingKeys: String, CodingKey {
                case layout, terminators
                case gapMilliseconds = "gap_ms"
            }

            public init() {}
        }

        public var reader: ReaderID
        public var name: String
        public var vid: String
        public var pid: String
        /// The kind of capture.
        public var kind: String
        /// The protocol it is read with.
        public var driver: String
        public var interface: Int
        public var interfaceClass: Int
        public var interfaceSubclass: Int
        public var packetSize: Int
        public var reportDescriptorHex: String?
        /// Of a serial port: the kind of adapter.
        public var adapter: String?
        public var setup: Setup
        /// `replaced` or `kept`.
        public var digits: String

        private enum CodingKeys: String, CodingKey {
            case reader, name, vid, pid, kind, driver, interface, adapter, setup, digits
            case interfaceClass = "interface_class"
            case interfaceSubclass = "interface_subclass"
            case packetSize = "packet_size"
            case reportDescriptorHex = "report_descriptor_hex"
        }

        public init(reader: ReaderID, name: String, kind: String, driver: String, digits: String) {
            (self.reader, self.name, self.kind, self.driver, self.digits) = (reader, name, kind, driver, digits)
            (vid, pid) = ("0000", "0000")
            (interface, interfaceClass, interfaceSubclass, packetSize) = (0, 0, 0, 0)
            setup = Setup()
        }
    }

    /// What the reports since the last scan are read as.
    public struct Scan: Hashable, Sendable, Codable {
        public var text: String
        public var symbology: String?
        public var aim: String?
        public var entry: String
        /// `number`, or why it was refused.
        public var outcome: String
        public var number: String?
        /// Whether the digits are those that were read.
        public var real: Bool

        public init(text: String, entry: String, outcome: String, real: Bool) {
            (self.text, self.entry, self.outcome, self.real) = (text, entry, outcome, real)
        }
    }

    public var device: Device?
    /// Milliseconds since the start, by a clock that never steps.
    public var atMilliseconds: Int?
    /// One report, its ID included.
    public var hex: String?
    public var endpoint: String?
    public var scan: Scan?
    /// The reports since the last scan broke off half-way.
    public var half: Bool?
    /// Why reports are missing here: `payment_card`, `encrypted_card`, `not_understood`, `not_maskable`, `too_long`.
    public var withheld: String?
    /// So many reports came faster than they could be taken.
    public var missed: Int?
    /// The reader was unplugged or lost its connection.
    public var interrupted: Bool?

    private enum CodingKeys: String, CodingKey {
        case device, hex, endpoint, scan, half, withheld, missed, interrupted
        case atMilliseconds = "at_ms"
    }

    public init(atMilliseconds: Int? = nil) { self.atMilliseconds = atMilliseconds }
}
