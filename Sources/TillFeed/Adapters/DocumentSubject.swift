import LoyaltyModel

/// What a document is about, as far as it can be read although the document is refused: its sale may be over at the counter.
struct DocumentSubject {
    var register: String?
    var number: String?
    var uid: String?
    /// Nil where it is not known.
    var verb: TillEvent.SaleVerb?
    private var isSale = true

    init(register: String? = nil, number: String? = nil, uid: String? = nil, verb: TillEvent.SaleVerb? = nil) {
        self.register = register
        self.number = number
        self.uid = uid
        self.verb = verb
    }

    init(_ sale: AdaptedSale) {
        self.init(register: sale.register, number: sale.number, uid: sale.uid, verb: sale.verb)
    }

    /// A control, a copy, or text that is no document.
    static let noSale: DocumentSubject = {
        var subject = DocumentSubject()
        subject.isSale = false
        return subject
    }()

    /// The basket goes on behind a snapshot; a void is about an earlier sale.
    var mayEndSale: Bool {
        switch verb {
        case _ where !isSale: false
        case nil, .complete, .return, .cancel, .suspend: true
        case .open, .update, .resume, .tender, .void: false
        }
    }
}
