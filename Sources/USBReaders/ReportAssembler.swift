import LoyaltyModel

/// Puts reports together from transfers of one packet each.
///
/// Each transfer asks for one packet only: a larger buffer would join full packets, so that eight reports of a keyboard
/// came as one. A report that is larger than a packet comes in full packets and ends with a short one, or with its last
/// byte (USB 2.0, 5.7.3).
struct ReportAssembler: Sendable {
    /// The bytes of the report that is complete, or of what has come of it.
    private(set) var bytes: [UInt8] = []
    private(set) var droppedPartialReports = 0
    private let reportLength: Int
    private let packetSize: Int
    private var isComplete = true
    private var lastPacket = MonotonicTime(nanoseconds: 0)
    private let patience: Duration

    /// The longest report that is put together, in bytes.
    static let longestReport = 16_384

    /// - Parameters:
    ///   - reportLength: The length of the longest input report, its id included.
    ///   - patience: The rest of a report comes with the next polls, at most 255 ms apart; what is later belongs to another.
    init(reportLength: Int, packetSize: Int, patience: Duration = .milliseconds(500)) {
        self.patience = patience
        self.reportLength = max(reportLength, 1)
        self.packetSize = max(packetSize, 1)
        bytes.reserveCapacity(max(self.reportLength, self.packetSize))
    }

    var isPartial: Bool { !isComplete && !bytes.isEmpty }

    /// When the rest of a report that has begun will not come any more. Whole packets alone never show that a report is cut off.
    var deadline: MonotonicTime? { isPartial ? lastPacket.adding(patience) : nil }

    /// Drops a report whose time is over.
    mutating func expire(at now: MonotonicTime) {
        if let deadline, now >= deadline { reset() }
    }

    /// Takes one packet.
    ///
    /// - Returns: Whether `bytes` is now a whole report.
    mutating func receive(_ packet: UnsafeBufferPointer<UInt8>, at now: MonotonicTime) -> Bool {
        if isComplete {
            bytes.removeAll(keepingCapacity: true)
        } else {
            expire(at: now)
        }
        lastPacket = now
        bytes.append(contentsOf: packet)
        isComplete = packet.count < packetSize || bytes.count >= reportLength
        return isComplete && !bytes.isEmpty
    }

    /// Overwrites the report that was read: it may have been a bank card.
    mutating func wipe() {
        for index in bytes.indices { bytes[index] = 0 }
        bytes.removeAll(keepingCapacity: true)
    }

    mutating func reset() {
        if isPartial { droppedPartialReports += 1 }
        wipe()
        isComplete = true
    }
}
