import Testing

@testable import TillFeed

@Suite struct LineFraming {
    private func frames(_ pieces: [String], limit: Int = 5) -> [TillFrame] {
        var framer = LineFramer(limit: limit)
        var frames = pieces.flatMap { framer.append(Array($0.utf8)) }
        if let last = framer.finish() { frames.append(last) }
        return frames
    }

    private func line(_ text: String) -> TillFrame { .line(Array(text.utf8)) }

    @Test func cutsAtLineFeedsWhereverThePiecesEnd() {
        let text = "ab\ncde\r\n\n \r\nf"
        let expected = [line("ab"), line("cde"), line("f")]
        #expect(frames([text]) == expected)
        #expect(frames(text.unicodeScalars.map { String($0) }) == expected)
    }

    /// Programs of Windows write one in front of a stream, some in front of each message.
    @Test func aByteOrderMarkIsNoPartOfTheLine() {
        let text = "\u{feff}ab\n\u{feff}cde\r\n\u{feff}\n\u{feff} \nf\u{feff}"
        for size in 1...9 {
            var framer = LineFramer(limit: 8)
            var bytes = Array(text.utf8)[...]
            var frames: [TillFrame] = []
            while !bytes.isEmpty {
                frames += framer.append(bytes.prefix(size))
                bytes = bytes.dropFirst(size)
            }
            if let last = framer.finish() { frames.append(last) }
            #expect(frames == [line("ab"), line("cde"), line("f\u{feff}")])
        }
    }

    @Test func skipsALongLineAndGoesOn() {
        for text in ["abcdef\nx\n", "abcdefgh\r\nx\n", "abcdefghijklmnopqrstuvwxyz\nx\n"] {
            for pieces in [[text], text.unicodeScalars.map { String($0) }] {
                #expect(frames(pieces) == [.overlong(Array("abcdef".utf8)), line("x")])
            }
        }
        #expect(frames(["abcde\r\n", "abcde\n", "abcde"]) == [line("abcde"), line("abcde"), line("abcde")])
        #expect(frames(["abcdef"]) == [.overlong(Array("abcdef".utf8))])
    }
}
