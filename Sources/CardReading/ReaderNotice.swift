/// Something that the operator should hear of a reader once.
public enum ReaderNotice: Sendable, Hashable {
    /// Every swipe so far came encrypted.
    case readerEncrypting
    /// What it types makes sense on another layout than the one that the settings name, both as in `KeyboardLayout.name`.
    case otherLayout(set: String, suggested: String)

    /// A stable word.
    public var code: String {
        switch self {
        case .readerEncrypting: "reader_encrypting"
        case .otherLayout: "other_layout"
        }
    }

    public var message: String {
        switch self {
        case .readerEncrypting: "every card that was swiped here came encrypted, so that no number could be read"
        case .otherLayout(let set, let suggested):
            "its scans have signs where digits would be: it is read with the layout \(set), and looks like \(suggested)"
        }
    }

    public var remedy: String {
        switch self {
        case .readerEncrypting:
            "the head cannot be told from here to stop: use a model that does not encrypt, or have the reader's property "
                + "\"mask other cards\" switched off by its vendor"
        case .otherLayout(_, let suggested):
            "set layout = \"\(suggested)\" in its [[readers.device]] section and reload, or scan the code for another "
                + "keyboard layout in the reader's manual"
        }
    }
}
