internal import LoyaltyModel
internal import Synchronization
internal import USBReaders

/// Where scans come from, as the reader section says, and what a reload changes about it.
final class ReaderInput: Sendable {
    private enum Source {
        case usb(USBReaderBackend)
        case capture(CaptureReaderBackend)
        case none
    }

    /// Settings that were found good.
    struct Change: Sendable {
        fileprivate var rules: ReaderRules
        fileprivate var player: CapturePlayer?
        /// Another backend takes a restart, and so does all that is said about its readers.
        var takesRestart: Bool
    }

    private let kind: DaemonSettings.Readers.Backend
    private let source: Source
    private let inForce: Mutex<ReaderRules>
    let register: ReaderRegister

    /// - Throws: errors of the capture files, of kind `configuration`.
    init(
        _ kind: DaemonSettings.Readers.Backend, _ rules: ReaderRules, clock: any LoyaltyClock
    ) throws(LoyaltyError) {
        self.kind = kind
        source =
            switch kind {
            case .usb: .usb(USBReaderBackend(options: rules.options, clock: clock))
            case .capture: .capture(CaptureReaderBackend(player: try rules.player(), clock: clock))
            case .none: .none
            }
        inForce = Mutex(rules)
        register = ReaderRegister { rules.register(of: $0) }
    }

    /// nil where the till reads the cards.
    var backend: (any ReaderBackend)? {
        switch source {
        case .usb(let backend): backend
        case .capture(let backend): backend
        case .none: nil
        }
    }

    /// Looks at other settings without using them.
    ///
    /// - Throws: `usb.match_syntax`, `config.invalid`, errors of capture files.
    func change(to settings: DaemonSettings.Readers) throws(LoyaltyError) -> Change {
        let rules = try ReaderRules(settings)
        var change = Change(rules: rules, takesRestart: settings.backend != kind)
        if case .capture = source, !change.takesRestart, !rules.playsLike(inForce.withLock { $0 }) {
            change.player = try rules.player()
        }
        return change
    }

    /// Puts settings in force. Readers that they say nothing new about go on undisturbed.
    func apply(_ change: Change) {
        guard !change.takesRestart else { return }
        let rules = change.rules
        inForce.withLock { $0 = rules }
        register.assign { rules.register(of: $0) }
        switch source {
        case .usb(let backend): backend.apply(rules.options)
        case .capture(let backend): if let player = change.player { backend.replace(player) }
        case .none: break
        }
    }
}
