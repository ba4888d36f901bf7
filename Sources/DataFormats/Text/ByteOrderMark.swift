extension Collection<UInt8> {
    /// Without the mark of UTF-8 (EF BB BF) that programs of Windows write in front of what they send.
    /// RFC 8259 8.1 lets readers ignore it.
    public func withoutByteOrderMark() -> SubSequence {
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        return starts(with: mark) ? dropFirst(mark.count) : dropFirst(0)
    }
}
