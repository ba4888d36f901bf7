import LoyaltyModel
import Testing

@Suite struct EditDistanceTests {
    /// The examples that textbooks give for Levenshtein's distance.
    @Test(arguments: [
        ("kitten", "sitting", 3), ("saturday", "sunday", 3), ("flaw", "lawn", 2), ("", "abc", 3), ("same", "same", 0),
    ])
    func textbook(first: String, second: String, expected: Int) {
        #expect(editDistance(first, second) == expected)
        #expect(editDistance(second, first) == expected)
    }
}
