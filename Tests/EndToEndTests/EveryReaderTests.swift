import Foundation
import Testing

/// Every device of the USB rig, read by the daemon as it is shipped: real libusb, emulated hardware. What should come of each
/// stands in its file (Tests/rig/README.md). Tests/lab asks the same under a real kernel.
@Suite("Every reader of the rig", .serialized)
struct EveryReaderTests {
    /// What `daemon` of a device file says.
    private struct RigDevice: Sendable {
        let name: String
        let usb: String
        /// For the configuration: a section of [[readers.device]]; empty where none is needed.
        let section: String
        let state: String
        /// One of these is in the reason; empty where there is none.
        let problems: [String]
        let driver: String?
        let card: String?
        let entry: String?
        let steps: [String]
        let interface: Int

        init(_ file: String) throws {
            let data = try Data(contentsOf: URL(fileURLWithPath: file))
            let device = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            name = try #require(device["name"] as? String)
            let expect = try #require(device["daemon"] as? [String: Any], "\(file) does not say what to expect")
            let ids = ["vendor", "product"].map { (device[$0] as? String ?? "").dropFirst(2) }
            usb = ids.joined(separator: ":")
            let settings = expect["settings"] as? [String: Any] ?? [:]
            let keys = settings.keys.sorted().map {
                "\($0) = \(settings[$0] as? Int == nil ? "\"\(settings[$0] ?? "")\"" : "\(settings[$0] ?? "")")\n"
            }
            section = settings.isEmpty ? "" : "[[readers.device]]\nmatch = \"\(usb)\"\n" + keys.joined()
            state = expect["state"] as? String ?? "ready"
            problems = expect["problem"] as? [String] ?? [expect["problem"] as? String].compactMap(\.self)
            driver = expect["driver"] as? String
            card = expect["card"] as? String
            entry = expect["entry"] as? String
            interface = (expect["kernel"] as? [String: String] ?? [:]).keys.compactMap { Int($0) }.min() ?? 0
            steps = try (expect["steps"] as? [[String: Any]] ?? []).map { step in
                var step = step
                step["device"] = device["name"]
                return String(decoding: try JSONSerialization.data(withJSONObject: step), as: UTF8.self)
            }
        }

        static func all() throws -> [RigDevice] {
            let folder = Bench.root + "/Tests/rig/devices"
            return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".json") }
                .sorted().map { try RigDevice(folder + "/" + $0) }
        }
    }

    private struct Listed: Decodable {
        var id: String
        var state: String
        var usb: String?
        var driver: String?
        var problem: String?
    }

    /// Starts the daemon with all of them plugged in: the first at port 1-1, the second at 1-2.
    private func start(_ bench: Bench, _ devices: [RigDevice]) async throws -> ChildProcess {
        // Of one model there is one section.
        let sections = devices.map(\.section).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        try bench.configure(more: sections.joined())
        let text = try String(contentsOfFile: bench.configurationFile, encoding: .utf8)
        try bench.write("loyaltyd.toml", text.replacing("backend = \"none\"", with: "backend = \"usb\""))
        let daemon = try bench.spawn(
            Bench.root + "/Tests/rig/run",
            [
                devices.map(\.name).joined(separator: ","), "--control", bench.directory + "/rig", "--log",
                bench.directory + "/riglog", "--", Bench.products + "/loyaltyd", "--config", bench.configurationFile,
                "--state-dir", bench.state,
            ])
        _ = try await daemon.errors.line(containing: "waiting for tills", within: .seconds(40))
        _ = try await daemon.errors.line(containing: "control socket")
        return daemon
    }

    @Test("each gives its card under its own name, or the reason why it is left alone")
    func everyDevice() async throws {
        try await Bench.run { bench in
            let devices = try RigDevice.all()
            let daemon = try await start(bench, devices)
            let members = devices.compactMap { device in device.card.map { "m-\(device.name),\($0)\n" } }
            try bench.write("m.csv", "id,cards\n" + members.joined())
            #expect(try await bench.control("members", "import", bench.directory + "/m.csv").code == 0)

            var listed: [String: Listed] = [:]
            _ = try await bench.control("readers", "list", "--json") { run in
                let rows = try JSONDecoder().decode([Listed].self, from: Data(run.output.utf8))
                listed = Dictionary(rows.map { ($0.id, $0) }) { first, _ in first }
                return devices.enumerated().allSatisfy { place, device in
                    let state = listed["usb-1-\(place + 1):\(device.interface)"]?.state
                    return state == (device.state == "absent" ? nil : device.state)
                }
            }
            for (place, device) in devices.enumerated() where device.state != "absent" {
                let row = try #require(listed["usb-1-\(place + 1):\(device.interface)"])
                #expect(row.usb == device.usb)
                if let driver = device.driver { #expect(row.driver == driver, "\(device.name)") }
                let reason = row.problem ?? ""
                #expect(
                    device.problems.isEmpty || device.problems.contains { reason.contains($0) },
                    "\(device.name): \(reason)")
            }

            let till = try bench.till()
            #expect(try await till.ask(TestSale("e-0", amount: "1.00").text).result == "accepted")
            for (place, device) in devices.enumerated() where !device.steps.isEmpty {
                let run = try await bench.run(
                    Bench.root + "/Tests/rig/usbip_device.py", ["send", bench.directory + "/rig"] + device.steps)
                #expect(run.code == 0, "\(device.name): \(run.output)")
                // A device that is left alone has nothing to say; the next card would not be the expected one.
                guard let card = device.card else { continue }
                let notice = try await till.nextAnswer()
                #expect(notice.type == "card.scanned")
                #expect(notice.reader == "usb-1-\(place + 1):\(device.interface)", "\(device.name)")
                #expect(notice.result == "held", "\(device.name): \(notice)")
                #expect(notice.member?.card == "…" + card.suffix(4))
                let sale = try await till.ask(TestSale("e-\(place + 1)", amount: "5.00").text)
                #expect(sale.member?.id == "m-\(device.name)")
                #expect(sale.points?.earned == "5")
            }
            #expect(try await daemon.stop() == 0)
            let seen = try bench.stateFiles() + [("log", Array(daemon.errors.text.utf8))]
            #expect(DigitSearch(devices.compactMap(\.card)).hits(seen) == [])
        }
    }
}
