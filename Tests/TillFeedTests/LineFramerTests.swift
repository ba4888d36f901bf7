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
