import Foundation
import ReaderChecks
import Testing

@Suite("Devices out of sysfs") struct USBDeviceTreeTests {
    /// A directory tree in the form of /sys/bus/usb/devices and /dev/bus/usb.
    private func tree(_ files: [String: String], links: [String: String] = [:]) throws -> String {
        let root = FileManager.default.temporaryDirectory.appending(path: "usb-\(UUID().uuidString)").path
        for (path, text) in files {
            let file = URL(filePath: root + "/" + path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        for (path, target) in links {
            try FileManager.default.createSymbolicLink(atPath: root + "/" + path, withDestinationPath: target)
        }
        return root
    }

    @Test("A device with its interfaces, drivers, descriptor, power and node")
    func device() throws {
        let base = "sys/bus/usb/devices"
        let root = try tree(
            [
                "\(base)/usb1/idVendor": "1d6b\n", "\(base)/1-1.2/idVendor": "05e0\n",
                "\(base)/1-1.2/idProduct": "1200\n",
                "\(base)/1-1.2/manufacturer": "Symbol Technologies\n",
                "\(base)/1-1.2/product": "Bar\u{1b}[31m Scanner \n",
                "\(base)/1-1.2/bMaxPower": "450mA\n", "\(base)/1-1.2/bmAttributes": "a0\n",
                "\(base)/1-1.2/bDeviceClass": "00\n", "\(base)/1-1.2/power/control": "auto\n",
                "\(base)/1-1.2/busnum": "1\n", "\(base)/1-1.2/devnum": "7\n",
                "\(base)/1-1.2:1.0/bInterfaceNumber": "00\n",
                "\(base)/1-1.2:1.0/bInterfaceClass": "03\n", "\(base)/1-1.2:1.0/bInterfaceSubClass": "01\n",
                "\(base)/1-1.2:1.0/bInterfaceProtocol": "01\n",
                "\(base)/1-1.2:1.0/0003:05E0:1200.0001/report_descriptor": "\u{05}\u{01}\u{09}\u{06}",
                "\(base)/1-10/idVendor": "0c2e\n", "\(base)/1-10/idProduct": "0967\n", "\(base)/1-2/idVendor": "zzzz\n",
                "dev/bus/usb/001/007": "",
            ], links: ["\(base)/1-1.2:1.0/driver": "../../../../bus/usb/drivers/usbhid"])
        defer { try? FileManager.default.removeItem(atPath: root) }
        let devices = try #require(USBDeviceTree(sysfs: root + "/sys", dev: root + "/dev").read())
        #expect(devices.map(\.portPath) == ["1-1.2", "1-10"])
        let scanner = try #require(devices.first)
        #expect(scanner.usbID == "05e0:1200" && scanner.name == "Symbol Technologies Bar[31m Scanner")
        #expect(
            scanner.power == 450 && !scanner.isSelfPowered && scanner.mayAutosuspend == true && scanner.hub == "1-1")
        #expect(scanner.node?.path == root + "/dev/bus/usb/001/007" && scanner.node?.owner == getuid())
        let interface = try #require(scanner.interfaces.first)
        #expect(interface.driver == "usbhid" && interface.subclass == 1 && interface.protocolCode == 1)
        #expect(interface.reportDescriptor == [5, 1, 9, 6])
        #expect(devices.last?.node == nil && devices.last?.interfaces.isEmpty == true)
    }

    @Test("A machine without USB is told from one without devices")
    func none() throws {
        let root = try tree(["sys/bus/usb/devices/usb1/idVendor": "1d6b\n"])
        defer { try? FileManager.default.removeItem(atPath: root) }
        #expect(USBDeviceTree(sysfs: root + "/sys", dev: root + "/dev").read() == [])
        #expect(USBDeviceTree(sysfs: root + "/nothing", dev: root).read() == nil)
    }
}
