/// What is pushed to a till without being asked for each time.
public enum TillNotice: Sendable, Hashable {
    /// The words of `control.subscribe`.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case cardScanned = "card.scanned"
        case readerState = "reader.state"

        /// What a connection is told of that has not subscribed.
        public static let standard: Set<Kind> = [.cardScanned]
    }

    case cardScanned(CardScannedNotice)
    case readerState(ReaderStateNotice)

    public var kind: Kind {
        switch self {
        case .cardScanned: .cardScanned
        case .readerState: .readerState
        }
    }
}

/// What is pushed when a card was read at the lane's reader.
public struct CardScannedNotice: Sendable, Hashable {
    public var reader: ReaderID
    public var register: String?
    public var time: Timestamp
    /// `attached`, `held`, `added_to_last_sale`, `already_attached`, `replaced`, `refused`.
    public var result: String
    /// Why it was refused.
    public var code: String?
    public var member: TillAnswer.MemberSummary?
    public var display: [String]
    public var signal: TillAnswer.Signal?

    public init(
        reader: ReaderID,
        register: String?,
        time: Timestamp,
        result: String,
        code: String? = nil,
        member: TillAnswer.MemberSummary? = nil,
        display: [String] = [],
        signal: TillAnswer.Signal? = nil
    ) {
        self.reader = reader
        self.register = register
        self.time = time
        self.result = result
        self.code = code
        self.member = member
        self.display = display
        self.signal = signal
    }
}

extension CardScannedNotice: Encodable {
    private enum CodingKeys: String, CodingKey {
        case version = "v"
        case type, reader, register, time, result, code, member, display, signal
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(1, forKey: .version)
        try container.encode("card.scanned", forKey: .type)
        try container.encode(reader, forKey: .reader)
        try container.encodeIfPresent(register, forKey: .register)
        try container.encode(time, forKey: .time)
        try container.encode(result, forKey: .result)
        try container.encodeIfPresent(code, forKey: .code)
        try container.encodeIfPresent(member, forKey: .member)
        if !display.isEmpty { try container.encode(display, forKey: .display) }
        try container.encodeIfPresent(signal, forKey: .signal)
    }
}

/// What is pushed when a reader comes, goes, or changes its state.
public struct ReaderStateNotice: Sendable, Hashable {
    public var reader: ReaderID
    public var register: String?
    public var time: Timestamp
    /// `connected`, `gone`, or the reader's own word, such as `ready`, `claimed_by_other` or `no_access`.
    public var state: String
    /// Why it does not work; nil where it does.
    public var reason: String?

    public init(reader: ReaderID, register: String?, time: Timestamp, state: String, reason: String? = nil) {
        self.reader = reader
        self.register = register
        self.time = time
        self.state = state
        self.reason = reason
    }
}

extension ReaderStateNotice: Encodable {
    private enum CodingKeys: String, CodingKey {
        case version = "v"
        case type, reader, register, time, state, reason
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(1, forKey: .version)
        try container.encode(TillNotice.Kind.readerState.rawValue, forKey: .type)
        try container.encode(reader, forKey: .reader)
        try container.encodeIfPresent(register, forKey: .register)
        try container.encode(time, forKey: .time)
        try container.encode(state, forKey: .state)
        try container.encodeIfPresent(reason, forKey: .reason)
    }
}
