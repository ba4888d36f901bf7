public import CardReading

/// All that an examination of a machine's readers goes by.
public struct ReaderSituation: Sendable {
    /// Who the daemon runs as.
    public struct Account: Sendable, Hashable {
        public var name: String
        public var user: UInt32
        public var groups: Set<UInt32>

        public init(name: String, user: UInt32, groups: Set<UInt32>) {
            (self.name, self.user, self.groups) = (name, user, groups)
        }

        /// By the permission bits alone; an access list may grant more.
        func mayOpen(_ node: USBDeviceRecord.Node) -> Bool {
            if user == 0 { return true }
            let shift: UInt32 = user == node.owner ? 6 : groups.contains(node.group) ? 3 : 0
            return node.mode >> shift & 0o6 == 0o6
        }
    }

    /// What the settings say of readers.
    public struct Settings: Sendable {
        public struct Section: Sendable {
            public var match: DeviceMatch
            /// As it stands in the file.
            public var text: String
            /// `loyaltyd.toml:12`
            public var place: String?
            public var register: String?

            public init(match: DeviceMatch, text: String, place: String? = nil, register: String? = nil) {
                (self.match, self.text, self.place, self.register) = (match, text, place, register)
            }
        }

        public enum Keyboards: String, Sendable, CaseIterable { case known, listed, never }
        public enum Backend: String, Sendable, CaseIterable { case usb, capture, none }

        public var backend = Backend.usb
        /// `[[readers.device]]`, and what `claim` lists.
        public var sections: [Section] = []
        public var denied: [DeviceMatch] = []
        public var keyboards = Keyboards.known

        public init() {}
    }

    /// What the daemon says of a reader.
    public struct Reported: Sendable {
        public var id: String
        public var portPath: String?
        public var name: String
        /// `ready`, `starting`, `gone`, `trouble`, `unsupported`.
        public var state: String
        /// The finer word: `no_permission`, `busy`, `failed`, `recovering`.
        public var word: String?
        public var driver: String?
        public var problem: String?
        public var remedy: String?
        /// Such as `reader_encrypting`, `other_layout`.
        public var notice: String?
        public var reads = 0
        /// Scans that broke off.
        public var errors = 0

        public init(id: String, portPath: String?, name: String, state: String) {
            (self.id, self.portPath, self.name, self.state) = (id, portPath, name, state)
        }
    }

    /// nil where there is no USB.
    public var devices: [USBDeviceRecord]?
    public var account: Account
    /// nil where it does not answer.
    public var daemon: [Reported]?
    /// nil where the configuration cannot be read by whoever asks.
    public var settings: Settings?
    /// Whether the udev rules of the package are there.
    public var hasRules = true

    public init(devices: [USBDeviceRecord]?, account: Account) {
        self.devices = devices
        self.account = account
    }
}
