import CardReading

/// A device that is a reader, or might be one, looked at by itself.
struct ReaderCandidate {
    enum Role: Hashable {
        /// The daemon takes it.
        case reader(ReaderProtocol?)
        /// It might be a reader, and nobody says so.
        case leftAlone(ReaderProtocol)
        /// It is a reader by name, but nothing that it offers can be read.
        case unreadable(String)
        /// Nothing to do with readers.
        case other
    }

    let record: USBDeviceRecord
    private let known: KnownReader?
    private let isNamed: Bool
    private let isDenied: Bool
    private let roles: [(interface: USBDeviceRecord.Interface, role: Role)]
    private let reported: [ReaderSituation.Reported]
    private let mayOpen: Bool

    private typealias Examination = ReaderExamination

    /// The kernel's drivers that a reader can hang on before the daemon takes it.
    private static let kernelDrivers: Set<String> = ["usbhid", "cdc_acm", "ftdi_sio", "pl2303", "cp210x"]
    private static let usbfs = "usbfs"

    /// - Returns: nil for a device that has nothing to do with readers.
    init?(_ record: USBDeviceRecord, _ situation: ReaderSituation) {
        let settings = situation.settings ?? .init()
        self.record = record
        known = KnownReader.find(vendorID: record.vendorID, productID: record.productID)
        let isListed = settings.sections.contains { $0.match.matches(record) }
        isDenied = settings.denied.contains { $0.matches(record) }
        isNamed = isListed || known != nil
        let takesKeyboards: Bool =
            switch settings.keyboards {
            case .never: false
            case .listed: isListed
            case .known: isListed || known != nil
            }
        reported = (situation.daemon ?? []).filter { $0.portPath == record.portPath && $0.state != "gone" }
        mayOpen = record.node.map(situation.account.mayOpen) ?? true
        let isNamed = isNamed
        let known = known
        let isClaimed = reported.contains { $0.state == "ready" }
        roles = record.interfaces.map { interface in
            (interface, Self.role(of: interface, record, known, isNamed, takesKeyboards, isClaimed))
        }
        guard isNamed || isDenied || !reported.isEmpty || roles.contains(where: { $0.role != .other }),
            record.deviceClass != USBDeviceRecord.hubClass
        else { return nil }
    }

    private static func role(
        of interface: USBDeviceRecord.Interface, _ record: USBDeviceRecord, _ known: KnownReader?, _ isNamed: Bool,
        _ takesKeyboards: Bool, _ isClaimed: Bool
    ) -> Role {
        let isHID = interface.interfaceClass == 3
        let isBootKeyboard = isHID && interface.subclass == 1 && interface.protocolCode == 1
        let isBootMouse = isHID && interface.subclass == 1 && interface.protocolCode == 2
        // The data interface of a serial port goes with its control interface.
        if interface.interfaceClass == 10 || isBootMouse { return .other }
        if isHID, interface.reportDescriptor == nil {
            if isBootKeyboard { return takesKeyboards ? .reader(.keyboard) : .leftAlone(.keyboard) }
            return isNamed || isClaimed ? .reader(known?.protocolHint) : .other
        }
        let facts = InterfaceFacts(
            vendorID: record.vendorID, productID: record.productID, interfaceNumber: interface.number,
            interfaceClass: interface.interfaceClass, interfaceSubclass: interface.subclass,
            interfaceProtocol: interface.protocolCode, reportDescriptor: interface.reportDescriptor ?? [])
        switch ScanDecoder.choose(for: facts) {
        case .reads(let decoder):
            switch decoder.kind {
            case .keyboard: return takesKeyboards ? .reader(.keyboard) : .leftAlone(.keyboard)
            case .serial: return isNamed ? .reader(.serial) : .leftAlone(.serial)
            default: return .reader(decoder.kind)
            }
        case .ignored(let reason): return isNamed ? .unreadable(reason) : .other
        }
    }

    var isReader: Bool { roles.contains { if case .reader = $0.role { true } else { false } } }

    /// Whether the daemon could read it, were it running.
    var isReadable: Bool { isReader && mayOpen && !isDenied }

    var row: ReaderExamination.Device {
        let kinds = roles.compactMap { entry -> String? in
            switch entry.role {
            case .reader(let kind): kind?.rawValue ?? reported.compactMap(\.driver).first
            case .leftAlone(let kind): kind.rawValue
            case .unreadable, .other: nil
            }
        }
        let drivers = record.interfaces.compactMap(\.driver)
        return ReaderExamination.Device(
            port: record.portPath, usb: record.usbID, name: known?.name ?? record.name, kinds: Self.unique(kinds),
            drivers: Self.unique(drivers), state: state)
    }

    private var state: String {
        if reported.contains(where: { $0.state == "ready" }) { return "ready" }
        if isDenied { return "denied" }
        if let trouble = reported.first(where: { $0.state != "unsupported" }) { return trouble.word ?? trouble.state }
        if isReader { return mayOpen ? "readable" : "no_permission" }
        return roles.contains { if case .leftAlone = $0.role { true } else { false } } ? "left_alone" : "unreadable"
    }

    private static func unique(_ words: [String]) -> [String] {
        words.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    // MARK: Findings

    func findings(_ situation: ReaderSituation) -> [ReaderExamination.Finding] {
        if isDenied {
            return [
                note(
                    "denied", "the configuration forbids it (readers.deny)",
                    "take it out of deny and reload loyaltyd if it should be read")
            ]
        }
        var findings = permission(situation) + holders(situation) + mode(situation) + power(situation)
        findings += told()
        return findings
    }

    private func attention(_ code: String, _ problem: String, _ remedy: String) -> ReaderExamination.Finding {
        Examination.attention(code, record.portPath, problem, remedy)
    }

    private func note(_ code: String, _ problem: String, _ remedy: String) -> ReaderExamination.Finding {
        Examination.note(code, record.portPath, problem, remedy)
    }

    private func permission(_ situation: ReaderSituation) -> [ReaderExamination.Finding] {
        let isRefused = reported.contains { $0.word == "no_permission" }
        guard isReader, isRefused || (reported.isEmpty && !mayOpen) else { return [] }
        let problem =
            "\(situation.account.name) may not open \(record.node?.path ?? "its device node")"
            + (record.node.map { " (mode \(String($0.mode, radix: 8)))" } ?? "")
        if known != nil, !situation.hasRules {
            return [
                attention(
                    "no_permission", problem + ", for the udev rules of loyaltyd are not installed",
                    "install 60-loyaltyd-readers.rules and 70-loyaltyd.rules into /usr/lib/udev/rules.d, then run "
                        + "\"sudo udevadm control --reload && sudo udevadm trigger -s usb\"")
            ]
        }
        if known != nil, reported.isEmpty || !mayOpen {
            return [
                attention(
                    "no_permission", problem + ", although the rules name this model",
                    "run \"sudo udevadm control --reload && sudo udevadm trigger -s usb\", or plug it out and in; then check that "
                        + "the group loyaltyd exists (sudo systemd-sysusers)")
            ]
        }
        let line =
            "SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", ATTR{idVendor}==\"\(hexadecimal(record.vendorID))\", "
            + "ATTR{idProduct}==\"\(hexadecimal(record.productID))\", GROUP=\"loyaltyd\", MODE=\"0660\""
        return [
            attention(
                "no_permission", problem,
                "write this line into /etc/udev/rules.d/70-loyaltyd-local.rules: \(line) - then run \"sudo udevadm control "
                    + "--reload\" and plug the reader out and in")
        ]
    }

    private func holders(_ situation: ReaderSituation) -> [ReaderExamination.Finding] {
        var findings: [ReaderExamination.Finding] = []
        let isReady = reported.contains { $0.state == "ready" }
        for (interface, role) in roles {
            guard let driver = interface.driver else { continue }
            switch role {
            case .reader where Self.kernelDrivers.contains(driver) && !isReady:
                let leak = driver == "usbhid" ? "; until then a keyboard-mode reader types into the till's window" : ""
                findings.append(
                    situation.daemon == nil
                        ? note(
                            "kernel_driver", "the kernel's \(driver) holds interface \(interface.number)",
                            "nothing to do: loyaltyd takes it over when it starts\(leak)")
                        : attention(
                            "kernel_driver",
                            "the kernel's \(driver) still holds interface \(interface.number), and loyaltyd has not taken it",
                            "loyaltyd detaches it by itself once it may open the reader: see the other findings, then plug the "
                                + "reader out and in\(leak)"))
            case .reader where driver == Self.usbfs && !isReady:
                findings.append(
                    attention(
                        "held_by_program",
                        "another program holds interface \(interface.number)"
                            + (situation.daemon == nil ? " while loyaltyd does not run" : ""),
                        "stop it, such as the till's own scanner driver; \"sudo fuser -v \(record.node?.path ?? "/dev/bus/usb/*/*")\" names it"
                    ))
            case .leftAlone(let kind): findings += leftAlone(kind, driver, interface)
            default: continue
            }
        }
        return findings
    }

    private func leftAlone(
        _ kind: ReaderProtocol, _ driver: String, _ interface: USBDeviceRecord.Interface
    ) -> [ReaderExamination.Finding] {
        // Beside an interface that is read it is the same device in its other clothes.
        guard !isReader else { return [] }
        let isScannerMaker = KnownReader.all.contains { $0.vendorID == record.vendorID }
        let section =
            "write claim = [\"\(record.usbID)\"] into [readers] and reload loyaltyd, which then takes it from \(driver)"
        if kind == .serial {
            return [
                note(
                    "serial_left_alone",
                    "a serial port (\(driver)) that no setting names: it may be the till's printer or scales",
                    "if a scanner hangs on it, \(section)")
            ]
        }
        guard isScannerMaker || known != nil else {
            return [
                note(
                    "keyboard_left_alone", "a keyboard that no setting names, so \(driver) keeps it",
                    "if it is a scanner and not the cashier's keyboard, \(section)")
            ]
        }
        return [
            attention(
                "keyboard_left_alone",
                "a keyboard by a maker of scanners, left alone because no setting names it: what it reads goes into the till's window",
                section)
        ]
    }

    private func mode(_ situation: ReaderSituation) -> [ReaderExamination.Finding] {
        let modes = ReaderModes.of(record.vendorID)
        let better = modes.map { ": \($0.change)" } ?? ": scan \"USB HID POS\" in its manual"
        if !isReader, roles.allSatisfy({ if case .leftAlone = $0.role { false } else { true } }),
            reported.allSatisfy({ $0.state != "ready" })
        {
            let reasons = roles.compactMap { if case .unreadable(let reason) = $0.role { reason } else { nil } }
            return [
                attention(
                    "wrong_mode",
                    "it is in a mode that is not read"
                        + (reasons.first.map { ": \($0)" } ?? ": neither HID nor a serial port"),
                    "switch it to another mode" + better)
            ]
        }
        let kinds = roles.compactMap { if case .reader(let kind) = $0.role { kind } else { nil } }
        guard kinds.contains(.keyboard), !kinds.contains(.hidPOS), modes?.hasHIDPOS == true else { return [] }
        return [
            note(
                "keyboard_mode",
                "it is in keyboard mode, which works only while its keyboard layout is the one in the settings",
                "a mode without layouts is better" + better)
        ]
    }

    private func power(_ situation: ReaderSituation) -> [ReaderExamination.Finding] {
        guard isReader else { return [] }
        var findings: [ReaderExamination.Finding] = []
        if record.mayAutosuspend == true {
            findings.append(
                attention(
                    "autosuspend", "the kernel may put it to sleep, and a sleeping reader loses the first scan",
                    "run \"echo on | sudo tee /sys/bus/usb/devices/\(record.portPath)/power/control\"; the udev rules of loyaltyd do "
                        + "that at every plug-in"))
        }
        let hub = record.hub.flatMap { path in situation.devices?.first { $0.portPath == path } }
        // USB 2.0, 7.2.1.1: a hub without a supply of its own gives each port one unit load.
        if let hub, hub.deviceClass == USBDeviceRecord.hubClass, !hub.isSelfPowered, record.power > 100 {
            findings.append(
                attention(
                    "hub_power",
                    "it wants \(record.power) mA and hangs on a hub without a power supply, which gives 100 mA",
                    "plug it into the machine itself, or into a hub with a power supply"))
        }
        return findings
    }

    /// What the daemon has seen of it.
    private func told() -> [ReaderExamination.Finding] {
        var findings: [ReaderExamination.Finding] = []
        for reader in reported {
            let remedy = reader.remedy ?? "plug it out and in, then try another cable and another port"
            if let problem = reader.problem, reader.notice != nil || reader.state == "ready" {
                findings.append(attention(reader.notice ?? "notice", problem, remedy))
            } else if let problem = reader.problem, reader.word == "failed" || reader.word == "recovering" {
                findings.append(attention("unsteady", "it fails and is being tried again: \(problem)", remedy))
            }
            // One in twenty, and more than a shaky hand's.
            if reader.errors >= 5, reader.errors * 20 > reader.reads {
                findings.append(
                    attention(
                        "broken_scans",
                        "\(reader.errors) scans broke off half-way today, beside \(reader.reads) that were read",
                        "check the cable; a keyboard-mode or serial reader must send a terminator (Enter), and the one in the settings"
                    ))
            }
        }
        return findings
    }
}
