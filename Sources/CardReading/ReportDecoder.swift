import LoyaltyModel

/// What the decoder of one protocol does; `ScanDecoder` says what its parts mean.
protocol ReportDecoder: Sendable {
    var deadline: MonotonicTime? { get }
    var droppedPartialScans: Int { get }
    mutating func receive(_ report: [UInt8], at instant: MonotonicTime) -> [DecodedScan]
    mutating func expire(at instant: MonotonicTime) -> [DecodedScan]
    mutating func reset()
    mutating func conclude() -> [DecodedScan]
    mutating func discard(_ report: [UInt8])
    mutating func takeRequests() -> [SetupRequest]
}

extension ReportDecoder {
    mutating func discard(_ report: [UInt8]) {}
    mutating func conclude() -> [DecodedScan] {
        reset()
        return []
    }
    mutating func takeRequests() -> [SetupRequest] { [] }
}
