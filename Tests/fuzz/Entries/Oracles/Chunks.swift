import CardReading
import LoyaltyModel

/// One report of a protocol that cuts long codes into several, taken apart by a few lines of its own.
struct Chunk {
    var data: [UInt8]
    var at: MonotonicTime
    /// Whether it may be the first of a scan.
    var opens = true
    /// Whether the report behind it may belong to the same scan.
    var continues: Bool
    /// Its number, where the protocol counts them.
    var index: Int?
    /// What must be equal in all reports of one scan.
    var group: [UInt8] = []
}

/// The reports since the last reset, in order.
struct ChunkTrail {
    private(set) var chunks: [Chunk] = []
    /// The longest silence between reports of one scan.
    let gap: Duration

    init(gap: Duration) { self.gap = gap }

    mutating func append(_ chunk: Chunk) { chunks.append(chunk) }

    /// Nothing is joined over this.
    mutating func breakOff() { chunks.removeAll() }

    /// Whether the data of the last chunk, or of the last two that belong together, and so on, are as they should be.
    func holds(_ isRight: ([UInt8]) -> Bool) -> Bool {
        guard let last = chunks.last else { return false }
        var data: [UInt8] = []
        var next: Chunk?
        for chunk in chunks.reversed() {
            if let next {
                guard chunk.continues, chunk.group == last.group, next.at.since(chunk.at) < gap,
                    chunk.index.map({ next.index == $0 + 1 }) ?? true
                else { return false }
            }
            data = chunk.data + data
            if chunk.opens, isRight(data) { return true }
            next = chunk
        }
        return false
    }
}
