public import LoyaltyModel

extension LoyaltyError.Code {
    /// Nobody answers at the control socket.
    public static let controlUnavailable = Self("control.unavailable", kind: .unavailable)
    /// The socket may not be opened by this user.
    public static let controlPermission = Self("control.permission", kind: .permission)
    /// An answer did not come in time.
    public static let controlTimeout = Self("control.timeout", kind: .temporary)
    /// An answer or request that is not of the contract.
    public static let controlProtocol = Self("control.protocol", kind: .badData)
    public static let controlNotFound = Self("control.not_found", kind: .badData)
    public static let controlBadRequest = Self("control.bad_request", kind: .usage)
    /// The Host or Origin of a request to the status page is foreign.
    public static let controlForeignOrigin = Self("control.foreign_origin", kind: .permission)
    /// Another process listens at the control socket or the page's port.
    public static let controlAddressInUse = Self("control.address_in_use", kind: .unavailable)
    public static let controlCannotListen = Self("control.cannot_listen", kind: .configuration)
    /// The reader is there, but not in a state to do what is asked.
    public static let readerNotReady = Self("control.reader_not_ready", kind: .unavailable)
    /// So many recordings run already that another might get in the way of the scans.
    public static let tooManyRecordings = Self("control.too_many_recordings", kind: .temporary)
    /// A defect; the log says more.
    public static let controlInternal = Self("control.internal", kind: .internal)
}

/// The body of every answer that is not a success: `{"error":{"code","exit","message","remedy","place"}}`.
public struct ErrorBody: Hashable, Sendable, Codable {
    public struct Content: Hashable, Sendable, Codable {
        /// The stable dotted name.
        public var code: String
        /// The exit code of sysexits(3) that a command ends with.
        public var exit: Int32
        public var message: String
        public var remedy: String?
        public var place: ErrorPlace?
    }

    /// Where in somebody's input the problem stands.
    public struct ErrorPlace: Hashable, Sendable, Codable {
        public var file: String?
        public var line: Int?
        public var column: Int?
        public var path: String?
    }

    public var error: Content

    public init(_ error: LoyaltyError) {
        let place = error.place.map {
            ErrorPlace(file: $0.file, line: $0.line, column: $0.column, path: $0.path)
        }
        self.error = Content(
            code: error.code.name,
            exit: error.code.kind.rawValue,
            message: error.message,
            remedy: error.remedy,
            place: place
        )
    }

    /// The error again, as it was thrown on the other side.
    public var loyaltyError: LoyaltyError {
        LoyaltyError(
            LoyaltyError.Code(error.code, kind: LoyaltyError.Kind(rawValue: error.exit) ?? .internal),
            error.message,
            at: error.place.map { Place(file: $0.file, line: $0.line, column: $0.column, path: $0.path) },
            remedy: error.remedy
        )
    }
}
