import Testing
import TillFeed

@Suite struct SequenceGapsTests {
    private func gaps(_ numbers: UInt64...) -> SequenceGaps {
        var gaps = SequenceGaps(first: numbers[0])
        for number in numbers { gaps.note(number) }
        return gaps
    }

    @Test func whatNeverCameIsMissingAndWhatComesLateIsNot() {
        #expect(gaps(5, 6, 7).missing.isEmpty, "the first number begins the count")
        #expect(gaps(5, 6, 6, 5, 7).missing.isEmpty, "resends")
        #expect(gaps(1, 4, 9).missing == [2...3, 5...8])
        #expect(gaps(1, 4, 9).missingCount == 6)
        #expect(gaps(1, 9, 5).missing == [2...4, 6...8])
        #expect(gaps(1, 4, 3, 2).missing.isEmpty)
        #expect(gaps(1, 4, 2).missing == [3...3])
        #expect(gaps(10, 3).missing.isEmpty, "before the count began")
    }

    @Test func anyNumberAndAnyCountOfGapsIsTaken() {
        #expect(gaps(0, .max).missingCount == UInt64.max - 1)
        var many = SequenceGaps(first: 0)
        for index in 1...UInt64(SequenceGaps.mostGaps) + 50 { many.note(index * 2) }
        #expect(many.missing.count == SequenceGaps.mostGaps)
        #expect(many.missingCount == UInt64(SequenceGaps.mostGaps) + 50)
        #expect(many.highest == (UInt64(SequenceGaps.mostGaps) + 50) * 2)
    }
}
