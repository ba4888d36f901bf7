import ArgumentParser
import LoyaltyModel

struct ReaderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reader",
        abstract: "Makes a simulated USB reader read something.",
        discussion: """
            The readers are the rig's (Tests/rig): `usbip_device.py serve ... --control SOCKET` holds them, `umockusb` shows them to \
            loyaltyd. `make demo` runs both.
            """,
        subcommands: [Scan.self, TypeKeys.self, Swipe.self, Plug.self, Unplug.self]
    )

    struct Target: ParsableArguments {
        @Option(help: "The rig's control socket.")
        var control: String

        @Option(help: "The reader's name or bus id; the first one where it is left out.")
        var device: String?

        func perform(_ step: RigStep) throws {
            var step = step
            step.device = device
            try reportingErrors { try RigControl(path: control).perform(step) }
        }
    }

    struct Scan: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "A HID POS scanner reads a code.")

        @OptionGroup var target: Target

        @Option(help: "The AIM symbology identifier: ]E0 EAN-13, ]C0 Code 128, ]Q1 QR.")
        var aim = "]E0"

        @Argument(help: "What the code says.")
        var text: String

        func run() throws { try target.perform(RigStep(scan: text, aim: aim)) }
    }

    struct TypeKeys: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "type", abstract: "A reader in keyboard mode types a code, with Enter behind it.")

        @OptionGroup var target: Target

        @Flag(help: "Leave Enter out.")
        var noEnter = false

        @Argument(help: "What the code says, in characters of a US keyboard.")
        var text: String

        func run() throws { try target.perform(RigStep(type: noEnter ? text : text + "\n")) }
    }

    struct Swipe: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "A HID magstripe reader reads a card.")

        @OptionGroup var target: Target

        @Argument(help: "Tracks 1 to 3 with their sentinels; an empty one is \"\".")
        var tracks: [String]

        func run() throws { try target.perform(RigStep(swipe: tracks.map { $0.isEmpty ? nil : $0 })) }
    }

    struct Plug: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Plugs the reader in again.")
        @OptionGroup var target: Target
        func run() throws { try target.perform(RigStep(plug: true)) }
    }

    struct Unplug: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Pulls the reader's cable.")
        @OptionGroup var target: Target
        func run() throws { try target.perform(RigStep(unplug: true)) }
    }
}
