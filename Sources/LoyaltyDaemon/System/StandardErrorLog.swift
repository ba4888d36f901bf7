public import Logging

#if canImport(Glibc)
internal import Glibc
#endif

/// Log lines on standard error: with `<N>` priorities where journald reads them (sd-daemon(3)), else with the level's name.
public struct StandardErrorLog: LogHandler {
    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]
    private let label: String
    private let isJournal: Bool

    public init(label: String, level: Logger.Level, environment: [String: String]) {
        self.label = label
        logLevel = level
        isJournal = environment["JOURNAL_STREAM"] != nil
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var line = isJournal ? "<\(priority(event.level))>" : "\(event.level): "
        line += event.message.description
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
        // By bytes: to Swift, CR and LF are one character.
        let bytes = line.utf8.map { $0 < 0x20 ? 0x20 : $0 } + [0x0a]
        // One write per line, so that lines of several threads do not mix.
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    private func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
