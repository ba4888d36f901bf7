import LoyaltyModel

/// Makes scans out of a stream of characters: a terminator ends one, silence drops what has none.
///
/// Nothing is ever made of characters from both sides of a gap.
struct ScanAssembler: Sendable {
    /// Scans that were cut off, by silence, by a reset or by nonsense in them.
    private(set) var droppedPartialScans = 0

    private let terminators: Set<ScanTerminator>
    private let gap: Duration
    /// What the reader adds to every code.
    private let prefix: [UInt8]
    private let suffix: [UInt8]
    private let isVerbatim: Bool
    private var buffer: [UInt8] = []
    private var isDamaged = false
    /// Behind the tracks come encrypted data, which are not even held.
    private var isBehindTracks = false
    private var lastActivity = MonotonicTime(nanoseconds: 0)
    /// Tracks of a swipe whose further tracks may come on lines of their own.
    private var heldTracks: [UInt8] = []
    private var heldSince = MonotonicTime(nanoseconds: 0)
    /// Until then, what comes is taken for the rest of a scan that timed out: no hand scans again so soon.
    private var lateUntil: MonotonicTime?

    /// Above the largest QR code, which holds 7,089 digits (ISO/IEC 18004).
    static let maximumLength = 8192

    private static let carriageReturn: UInt8 = 0x0d
    private static let lineFeed: UInt8 = 0x0a
    private static let tab: UInt8 = 0x09

    init(options: ReaderOptions) {
        terminators = options.terminators
        gap = options.gap
        prefix = options.prefix
        suffix = options.suffix
        isVerbatim = options.isVerbatim
    }

    /// Whether characters are waiting for their terminator.
    var isScanOpen: Bool { !buffer.isEmpty || isDamaged }

    /// When what is there times out.
    var deadline: MonotonicTime? {
        if isScanOpen { return lastActivity.adding(gap) }
        return heldTracks.isEmpty ? nil : heldSince.adding(gap)
    }

    /// Takes a character. Call `expire` for the same instant first.
    mutating func accept(
        _ byte: UInt8, isKeypadEnter: Bool = false, at instant: MonotonicTime, into scans: inout [DecodedScan]
    ) {
        lastActivity = instant
        if isVerbatim {
            guard buffer.count < Self.maximumLength else { return damage(at: instant) }
            if !isDamaged { buffer.append(byte) }
            return
        }
        if isTerminator(byte, isKeypadEnter: isKeypadEnter) {
            finish(at: instant, into: &scans)
            return
        }
        if !isScanOpen {
            // The rest of a CR LF or TAB LF terminator.
            if byte == Self.carriageReturn || byte == Self.lineFeed { return }
            if let lateUntil, instant < lateUntil { return damage(at: instant) }
            lateUntil = nil
            if !heldTracks.isEmpty, !Self.continuesSwipe(byte) { releaseTracks(into: &scans) }
        }
        guard buffer.count < Self.maximumLength else {
            damage(at: instant)
            return
        }
        guard !isDamaged, !isBehindTracks else { return }
        if byte == MagneticTracks.encryptedBlockSeparator { isBehindTracks = MagneticTracks.isTrackText(buffer) }
        buffer.append(byte)
    }

    /// Something in the scan could not be read: what follows until its end counts for nothing.
    mutating func damage(at instant: MonotonicTime) {
        lastActivity = instant
        isDamaged = true
        buffer.wipe()
    }

    /// The reader is still at it, though no character came.
    mutating func touch(at instant: MonotonicTime) {
        if isScanOpen { lastActivity = instant }
    }

    mutating func expire(at instant: MonotonicTime, into scans: inout [DecodedScan]) {
        guard let deadline, instant >= deadline else { return }
        guard isScanOpen else {
            releaseTracks(into: &scans)
            return
        }
        if isVerbatim, !isDamaged {
            scans.append(DecodedScan(text: buffer, completedAt: lastActivity))
            buffer.wipe()
            return
        }
        if terminators.contains(.none), !isDamaged {
            stripSuffix()
            finish(at: lastActivity, into: &scans)
            releaseTracks(into: &scans)
            return
        }
        // What was held belongs to the swipe that broke off.
        heldTracks.wipe()
        lateUntil = deadline.adding(gap * 3)
        drop()
    }

    /// Forgets everything.
    mutating func reset() {
        lateUntil = nil
        if isScanOpen || !heldTracks.isEmpty { drop() }
        heldTracks.wipe()
    }

    /// Hands out tracks that came whole and wait only for further ones, and forgets everything else.
    mutating func conclude(into scans: inout [DecodedScan]) {
        if !isScanOpen { releaseTracks(into: &scans) }
        reset()
    }

    private mutating func drop() {
        droppedPartialScans += 1
        buffer.wipe()
        isDamaged = false
        isBehindTracks = false
    }

    private func isTerminator(_ byte: UInt8, isKeypadEnter: Bool) -> Bool {
        switch byte {
        case Self.carriageReturn where isKeypadEnter: terminators.contains(.keypadEnter)
        case Self.carriageReturn: terminators.contains(.cr) || terminators.contains(.crlf)
        case Self.lineFeed: terminators.contains(.lf)
        case Self.tab: terminators.contains(.tab)
        default: false
        }
    }

    private mutating func finish(at instant: MonotonicTime, into scans: inout [DecodedScan]) {
        lateUntil = nil
        guard !isDamaged else {
            // The line that cannot be read may be a track of the same swipe.
            heldTracks.wipe()
            return drop()
        }
        unframe()
        guard !buffer.isEmpty else { return isBehindTracks = false }
        defer {
            buffer.wipe()
            isBehindTracks = false
        }
        guard let tracks = MagneticTracks.isTrackText(buffer) ? MagneticTracks(buffer) : nil,
            !buffer.contains(MagneticTracks.encryptedBlockSeparator)
        else {
            releaseTracks(into: &scans)
            if let scan = DecodedScan(characters: buffer, completedAt: instant) { scans.append(scan) }
            return
        }
        let isContinuation = !heldTracks.isEmpty
        heldTracks += buffer
        heldSince = instant
        // Some readers send each track on a line of its own; one that sends them on one line is done.
        if tracks.tracks.count > 1 || (isContinuation && (MagneticTracks(heldTracks)?.tracks.count ?? 0) > 2) {
            releaseTracks(into: &scans)
        }
    }

    private mutating func releaseTracks(into scans: inout [DecodedScan]) {
        guard !heldTracks.isEmpty else { return }
        if let scan = DecodedScan(characters: heldTracks, completedAt: heldSince) { scans.append(scan) }
        heldTracks.wipe()
    }

    /// Whether a line that begins so may be a further track of the swipe before it.
    private static func continuesSwipe(_ byte: UInt8) -> Bool {
        [UInt8(ascii: ";"), UInt8(ascii: "+"), UInt8(ascii: "#"), UInt8(ascii: "@"), UInt8(ascii: "&")].contains(byte)
    }

    private mutating func unframe() {
        if !prefix.isEmpty, buffer.starts(with: prefix) { buffer.removeFirst(prefix.count) }
        if !suffix.isEmpty, buffer.count >= suffix.count, buffer.suffix(suffix.count).elementsEqual(suffix) {
            buffer.removeLast(suffix.count)
        }
    }

    private mutating func stripSuffix() { buffer = buffer.strippingSuffix() }
}

extension [UInt8] {
    /// Without one trailing CR, LF, CR LF, TAB or TAB LF.
    func strippingSuffix() -> [UInt8] {
        var bytes = self
        let hadLineFeed = bytes.last == 0x0a
        if hadLineFeed { bytes.removeLast() }
        if let last = bytes.last, last == 0x0d || last == 0x09 { bytes.removeLast() }
        return bytes
    }
}
