import CardReading

/// What is wrong with the readers of a machine, and what to do about it. Pure: the situation in, findings out.
public struct ReaderExamination: Sendable, Hashable, Encodable {
    public enum Verdict: String, Sendable, Encodable {
        case fine, attention
        /// No reader can be read.
        case nothing
    }

    /// A device that is a reader, or might be one.
    public struct Device: Sendable, Hashable, Encodable {
        /// Bus and port path.
        public var port: String
        public var usb: String
        public var name: String
        /// The protocols of its interfaces, as far as they are known.
        public var kinds: [String]
        /// The drivers and programs that hold them.
        public var drivers: [String]
        /// `ready`, another word of the daemon's, or what it would come to: `readable`, `no_permission`, `left_alone`,
        /// `unreadable`, `denied`.
        public var state: String
    }

    public struct Finding: Sendable, Hashable, Encodable {
        /// Notes do not count for the verdict.
        public var isNote: Bool
        /// A stable word.
        public var code: String
        /// The port path of the device, nil where it concerns none.
        public var port: String?
        public var problem: String
        public var remedy: String

        private enum CodingKeys: String, CodingKey {
            case code, port, problem, remedy
            case isNote = "note"
        }
    }

    public private(set) var verdict: Verdict
    public private(set) var devices: [Device]
    /// The gravest first.
    public private(set) var findings: [Finding]

    public init(_ situation: ReaderSituation) {
        let candidates = (situation.devices ?? []).compactMap { ReaderCandidate($0, situation) }
        devices = candidates.map(\.row)
        var findings = Self.general(situation, candidates)
        for candidate in candidates { findings += candidate.findings(situation) }
        findings += Self.twins(candidates, situation)
        findings += Self.sections(situation, candidates)
        let isReadable =
            situation.daemon.map { $0.contains { $0.state == "ready" } } ?? candidates.contains(where: \.isReadable)
        let attention = findings.filter { !$0.isNote }
        self.findings = attention + findings.filter(\.isNote)
        verdict = isReadable ? (attention.isEmpty ? .fine : .attention) : .nothing
    }

    /// The same of one reader alone: its port path, its id as the daemon names it, or its USB id.
    public func only(_ name: String) -> ReaderExamination? {
        var port = name
        if port.hasPrefix("usb-") { port = String(port.dropFirst(4)) }
        if let colon = port.lastIndex(of: ":"), name.hasPrefix("usb-") { port = String(port[..<colon]) }
        let chosen = devices.filter { $0.port == port || $0.usb == name }
        guard !chosen.isEmpty else { return nil }
        var result = self
        result.devices = chosen
        result.findings = findings.filter { finding in
            finding.port.map { port in chosen.contains { $0.port == port } } ?? (finding.code == "daemon_not_running")
        }
        let readable = chosen.contains { ["ready", "readable", "starting"].contains($0.state) }
        result.verdict = readable ? (result.findings.allSatisfy(\.isNote) ? .fine : .attention) : .nothing
        return result
    }

    // MARK: Of no single device

    private static func general(_ situation: ReaderSituation, _ candidates: [ReaderCandidate]) -> [Finding] {
        var findings: [Finding] = []
        if situation.devices == nil {
            findings.append(
                attention(
                    "no_usb", nil, "there is no USB to be seen in /sys/bus/usb",
                    "in a container or virtual machine, pass the USB devices through; else load the kernel's USB drivers"
                ))
        } else if candidates.isEmpty {
            findings.append(
                attention(
                    "no_reader", nil, "no device that is plugged in looks like a card or bar code reader",
                    "try another cable and another port; \"lsusb\" must show one line more once it is plugged in"))
        }
        if situation.daemon == nil {
            findings.append(
                attention(
                    "daemon_not_running", nil, "loyaltyd does not answer, so nobody reads the readers",
                    "start it with \"systemctl start loyaltyd\"; \"journalctl -u loyaltyd -e\" says why it stopped"))
        }
        if let backend = situation.settings?.backend, backend != .usb {
            findings.append(
                attention(
                    "backend", nil,
                    "the configuration has readers.backend = \"\(backend.rawValue)\", so no USB reader is read",
                    "write backend = \"usb\" into [readers] and restart loyaltyd"))
        }
        if situation.settings == nil {
            findings.append(
                note(
                    "settings_unreadable", nil,
                    "the configuration cannot be read, so what it says of readers is not checked",
                    "run this with sudo, or name the file with --config"))
        }
        return findings
    }

    /// Readers that nothing but their port tells apart.
    private static func twins(_ candidates: [ReaderCandidate], _ situation: ReaderSituation) -> [Finding] {
        var findings: [Finding] = []
        let groups = Dictionary(grouping: candidates.filter(\.isReader)) { $0.record.usbID }
        for (id, group) in groups.sorted(by: { $0.key < $1.key }) where group.count > 1 {
            let serials = group.map(\.record.serial)
            guard Set(serials).count < group.count || serials.contains(nil) else { continue }
            let paths = group.map(\.record.portPath).joined(separator: ", ")
            let byModel = situation.settings?.sections.first { section in
                guard section.register != nil, case .model = section.match else { return false }
                return group.allSatisfy { section.match.matches($0.record) }
            }
            let problem =
                "\(group.count) readers \(id) have no serial number that tells them apart: each is known by its port (\(paths))"
            if let byModel {
                findings.append(
                    attention(
                        "twins", nil, problem + ", but the section \"\(byModel.text)\" gives all of them one register",
                        "write one [[readers.device]] section for each, with match = \"\(group[0].record.portPath)\" and so on; "
                            + "afterwards each has to stay at its port"))
            } else {
                findings.append(
                    note(
                        "twins", nil, problem, "leave each at its port; a reader at another port counts as another one")
                )
            }
        }
        return findings
    }

    /// Sections of the settings that no device matches.
    private static func sections(_ situation: ReaderSituation, _ candidates: [ReaderCandidate]) -> [Finding] {
        guard let settings = situation.settings, settings.backend == .usb else { return [] }
        let devices = situation.devices ?? []
        return settings.sections.filter { section in !devices.contains { section.match.matches($0) } }.map { section in
            let place = section.place.map { " (\($0))" } ?? ""
            let near = nearMiss(section, candidates)
            return attention(
                "section_unmatched", nil,
                "the section \"\(section.text)\"\(place) matches no device that is plugged in\(near?.what ?? "")",
                near?.remedy ?? "plug that reader in, or take the section out of the configuration")
        }
    }

    private static func nearMiss(
        _ section: ReaderSituation.Settings.Section, _ candidates: [ReaderCandidate]
    ) -> (what: String, remedy: String)? {
        switch section.match {
        case .port(let path):
            let bus = path.prefix { $0 != "-" }
            guard
                let other = candidates.first(where: { $0.isReader && $0.record.portPath.prefix { $0 != "-" } == bus })
                    ?? candidates.first(where: \.isReader)
            else { return nil }
            return (
                "; a reader is at \(other.record.portPath)",
                "plug it back into port \(path), or write match = \"\(other.record.portPath)\" and reload loyaltyd"
            )
        case .model(let vendor, let product):
            let other =
                candidates.first { $0.record.vendorID == vendor }
                ?? candidates.first { isTypingError(section.text, $0.record.usbID) }
                ?? candidates.first { product == $0.record.vendorID && vendor == $0.record.productID }
            guard let record = other?.record else { return nil }
            return (
                "; \(record.name) at \(record.portPath) is \(record.usbID)",
                "if that is the one, write match = \"\(record.usbID)\" and reload loyaltyd"
            )
        }
    }

    /// One digit wrong, or two swapped.
    private static func isTypingError(_ left: String, _ right: String) -> Bool {
        let (left, right) = (Array(left.lowercased().utf8), Array(right.utf8))
        guard left.count == right.count else { return false }
        let places = left.indices.filter { left[$0] != right[$0] }
        if places.count == 1 { return true }
        return places.count == 2 && left[places[0]] == right[places[1]] && left[places[1]] == right[places[0]]
    }

    static func attention(_ code: String, _ port: String?, _ problem: String, _ remedy: String) -> Finding {
        Finding(isNote: false, code: code, port: port, problem: problem, remedy: remedy)
    }

    static func note(_ code: String, _ port: String?, _ problem: String, _ remedy: String) -> Finding {
        Finding(isNote: true, code: code, port: port, problem: problem, remedy: remedy)
    }
}

extension DeviceMatch {
    func matches(_ record: USBDeviceRecord) -> Bool {
        matches(vendorID: record.vendorID, productID: record.productID, portPath: record.portPath)
    }
}
