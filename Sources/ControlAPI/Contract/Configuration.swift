/// One key of the configuration as it is in force. Answer of `GET /v1/configuration`, in the order of the sample file.
public struct ConfigurationEntry: Hashable, Sendable, Codable {
    /// The table, such as `till` or `till.csv`.
    public var section: String
    /// Which of several tables of this name, from 0; nil for a table that is there once.
    public var number: Int?
    public var key: String
    /// As TOML writes it; nil where nothing is set and there is no default.
    public var value: String?
    /// `FILE:LINE:COLUMN`, or in words what took precedence; nil for the default.
    public var origin: String?
    /// What a reload has read and only the next start will use; `""` where the key is gone.
    public var pending: String?

    public init(
        section: String, number: Int? = nil, key: String, value: String?, origin: String? = nil, pending: String? = nil
    ) {
        self.section = section
        self.number = number
        self.key = key
        self.value = value
        self.origin = origin
        self.pending = pending
    }
}
