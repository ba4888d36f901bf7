public import LoyaltyModel

extension LoyaltyError.Code {
    /// The line is not JSON as RFC 8259 defines it, or not an object.
    public static let tillBadJSON = Self("till.bad_json", kind: .badData)
    /// `v` is not 1.
    public static let tillVersion = Self("till.version", kind: .badData)
    /// `type` is no word of the protocol.
    public static let tillUnknownType = Self("till.unknown_type", kind: .badData)
    public static let tillMissingField = Self("till.missing_field", kind: .badData)
    /// A field of the wrong kind, or with a value that is not allowed there.
    public static let tillBadField = Self("till.bad_field", kind: .badData)
    /// A text longer than its field allows.
    public static let tillTooLong = Self("till.too_long", kind: .badData)
    /// The line is longer than 1 MiB.
    public static let tillLineTooLong = Self("till.line_too_long", kind: .badData)
    /// A payment card number stands where an identity belongs.
    public static let tillPaymentCard = Self("till.payment_card", kind: .badData)
    /// The socket cannot be made at this path.
    public static let tillSocket = Self("till.socket", kind: .cannotCreate)
    /// Another process listens on this path.
    public static let tillSocketBusy = Self("till.socket_busy", kind: .unavailable)
    /// A TCP connection without the right token, or a token file that cannot be used.
    public static let tillToken = Self("till.token", kind: .permission)
    /// The named pipe cannot be made or used.
    public static let tillPipe = Self("till.pipe", kind: .cannotCreate)
    /// The drop folder cannot be made, used or watched.
    public static let tillDrop = Self("till.drop", kind: .cannotCreate)
    /// Reading from the till failed.
    public static let tillInput = Self("till.input", kind: .inputOutput)
    /// The till does not take the answers any more.
    public static let tillOutput = Self("till.output", kind: .inputOutput)
}
