/// How many letters must be changed, added or left out to make one word of the other (Levenshtein), in bytes of UTF-8: for
/// suggestions in remedies. Of each word the first 64 count.
public func editDistance(_ first: String, _ second: String) -> Int {
    let left = Array(first.utf8.prefix(64))
    let right = Array(second.utf8.prefix(64))
    var row = Array(0...right.count)
    for (index, letter) in left.enumerated() {
        var previous = row[0]
        row[0] = index + 1
        for column in right.indices {
            let substitution = previous + (letter == right[column] ? 0 : 1)
            previous = row[column + 1]
            row[column + 1] = min(substitution, previous + 1, row[column] + 1)
        }
    }
    return row[right.count]
}
