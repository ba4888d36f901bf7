/// Sets to zero what has no part in what reports are read as: padding with the rest of an earlier scan, encrypted blocks,
/// serial numbers, fields that are not known.
struct ReportReduction {
    let seal: FrameSeal
    /// Whether reports are still read as before.
    let isSame: ([[UInt8]]) -> Bool

    func reduced(_ reports: [[UInt8]]) -> [[UInt8]] {
        var places: [(report: Int, byte: Int)] = []
        for (report, bytes) in reports.enumerated() {
            for (byte, value) in bytes.enumerated() where value != 0 { places.append((report, byte)) }
        }
        var result = reports
        var ranges = [places[...]]
        while let range = ranges.popLast() {
            var trial = result
            for place in range { trial[place.report][place.byte] = 0 }
            seal.renew(&trial)
            if isSame(trial) {
                result = trial
            } else if range.count > 1 {
                let middle = range.startIndex + range.count / 2
                ranges += [range[..<middle], range[middle...]]
            }
        }
        return result
    }
}
