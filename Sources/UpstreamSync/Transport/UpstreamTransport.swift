public import LoyaltyModel

/// How a batch gets to the back end.
public protocol UpstreamTransport: Sendable {
    /// Sends one batch and waits for the answer.
    ///
    /// - Throws: where no answer came: `upstream.connect`, `upstream.timeout`, `upstream.tls`, `upstream.answer`; errors of the kinds
    ///   `permission` and `configuration` stop delivery until a person acts. No message holds a token or a card number.
    func send(_ batch: CloudEventsBatch) async throws(LoyaltyError) -> UpstreamResponse

    /// Ends all connections. A later `send` opens new ones.
    func shutdown() async
}

/// What the back end said, header values as they came.
public struct UpstreamResponse: Hashable, Sendable {
    public var status: Int
    /// `Retry-After`: seconds or an HTTP date.
    public var retryAfter: String?
    /// `Date`.
    public var date: String?
    public var body: [UInt8]

    public init(status: Int, retryAfter: String? = nil, date: String? = nil, body: [UInt8] = []) {
        self.status = status
        self.retryAfter = retryAfter
        self.date = date
        self.body = body
    }
}

extension LoyaltyError.Code {
    /// No connection to the back end.
    public static let upstreamConnect = Self("upstream.connect", kind: .unavailable)
    /// The back end did not answer in time.
    public static let upstreamTimeout = Self("upstream.timeout", kind: .unavailable)
    /// No trusted TLS connection.
    public static let upstreamTLS = Self("upstream.tls", kind: .unavailable)
    /// An answer that cannot be used, such as one that is too long.
    public static let upstreamAnswer = Self("upstream.answer", kind: .unavailable)
    /// The token that the back end asks for cannot be used.
    public static let upstreamToken = Self("upstream.token", kind: .permission)
    /// The address of the back end is not usable.
    public static let upstreamURL = Self("upstream.url", kind: .configuration)
}
