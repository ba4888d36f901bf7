public import CardReading
public import LoyaltyModel

/// A recording of a reader, as Examples/captures/README.md describes the file.
public struct Capture: Sendable {
    public struct Case: Sendable {
        public enum Payload: Sendable {
            /// One element for each transfer, its report ID included.
            case reports([[UInt8]])
            /// The characters of one scan, decoded already.
            case text([UInt8])
            /// What a keyboard-emulating reader typed.
            case typing(String)
            /// Facts without bytes.
            case nothing
        }

        public var id: String
        public var payload: Payload
        /// When each report arrived, counted from the first; nil where the file does not say.
        public var times: [Duration]?
        public var expected: CaptureExpectation?
    }

    public var name: String
    public var vendorID: UInt16
    public var productID: UInt16
    /// The protocol family, in the file's words.
    public var kind: String
    public var reportDescriptor: [UInt8]?
    /// The ID in front of each report, where the file says so and has no descriptor.
    public var reportID: UInt8?
    /// Of a recording of a serial port; nil where the file does not say.
    public var serialAdapter: SerialAdapter?
    /// How the reader was set up when it was recorded; nil where the file does not say.
    public var setup: ReaderOptions?
    /// False where the file says that other digits stand in place of those that were read.
    public var hasRealDigits = true
    public var cases: [Case]

    /// The kind of a recording of a reader that speaks a protocol.
    public static func kind(of kind: ReaderProtocol) -> String { CaptureDecoder.kind(of: kind) ?? kind.rawValue }

    /// Between reports of which the file does not tell the time: what a keyboard wedge at full speed keeps.
    public static let usualInterval = Duration.milliseconds(4)
}

/// What a case should give, as far as the file says it.
public struct CaptureExpectation: Sendable {
    /// The whole of what is read; of a stripe, all tracks with their sentinels.
    public var text: String?
    public var symbology: String?
    public var aim: String?
    /// A payment card, which has to be refused.
    public var isPaymentCard: Bool?
    /// A card whose content the reader encrypts.
    public var isEncrypted: Bool?
    /// The number that a card lookup would use.
    public var number: String?
    /// Whether the text is what its symbology identifier promises.
    public var isValid: Bool?
    /// Application identifiers with their values.
    public var elements: [[String]]?
    /// No scan at all: an answer to a command of the host.
    public var isSilent = false
}

extension LoyaltyError.Code {
    public static let captureUnreadable = Self("capture.unreadable", kind: .inputOutput)
    /// The file is JSON, but no capture.
    public static let captureSyntax = Self("capture.syntax", kind: .badData)
    /// Nothing here understands readers of this kind.
    public static let captureNoDecoder = Self("capture.no_decoder", kind: .badData)
}
