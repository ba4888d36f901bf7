import LoyaltyModel

/// Everything that happens at the lane on one day, in order, made from the day's sales by fixed rules: the same file gives
/// the same day.
struct DayPlan: Sendable {
    /// What the daemon must say about a scan.
    enum Reading: Sendable, Hashable {
        case member(String)
        /// A card of the chain that no member holds.
        case unknownCard
        case refused(CardScan.Refusal)
    }

    enum Step: Sendable {
        case scan(RigStep, Reading)
        /// A live event before the end of a sale.
        case live(NativeEvent)
        /// The end of a sale; the member whose points it earns, where the card was read before.
        case end(NativeEvent, member: String?)
        /// The same event once more.
        case resend(NativeEvent)
    }

    /// What a till sees of the readers of the demo.
    struct Readers: Sendable {
        var wedge = "wedge-scanner"
        var hidPOS = "hid-pos-scanner"
    }

    private(set) var steps: [Step] = []
    private let till: OnlineRetail.Till
    private let readers: Readers
    private var sequence: UInt64 = 0
    private var scans = 0
    private var customers = 0
    private var unknownCardShown = false
    /// A card that is read after a sale without one, and before the next sale is open, belongs to the sale before.
    private var lastSaleHadCard = true

    /// - Throws: `sim.sales`.
    init(_ day: OnlineRetail, till: OnlineRetail.Till, readers: Readers = Readers()) throws(LoyaltyError) {
        self.till = till
        self.readers = readers
        for (index, invoice) in day.invoices.enumerated() {
            strangers(index)
            if let customer = invoice.customer {
                try sale(invoice, of: DemoMember(customer: customer))
            } else {
                saleWithoutMember(invoice)
            }
            if index % 12 == 4, case .end(let event, _) = steps.last { steps.append(.resend(event)) }
        }
    }

    /// What people hold in front of the reader that is no loyalty card: published test numbers and a product.
    private mutating func strangers(_ index: Int) {
        if index % 24 == 7 {
            let track = "%B4111111111111111^TEST/CARD^29121010000000000?\n"
            steps.append(.scan(RigStep(device: readers.wedge, type: track), .refused(.paymentCard)))
        }
        if index % 24 == 19 {
            let step = RigStep(device: readers.hidPOS, scan: "5555555555554444", aim: "]C0")
            steps.append(.scan(step, .refused(.paymentCard)))
        }
        if index % 16 == 11 {
            let step = RigStep(device: readers.hidPOS, scan: "4006381333931", aim: "]E0")
            steps.append(.scan(step, .refused(.notALoyaltyCard)))
        }
    }

    private mutating func sale(_ invoice: OnlineRetail.Invoice, of member: DemoMember) {
        customers += 1
        let card = member.cards[customers % member.cards.count]
        if customers % 16 == 5, !invoice.isReturn {
            // The customer finds the card after paying.
            steps.append(.end(end(invoice), member: nil))
            scan(card, .member(member.id))
        } else {
            let isLive = customers % 8 == 3 || !lastSaleHadCard
            if isLive { steps.append(.live(open(invoice))) }
            scan(card, .member(member.id))
            if isLive, !invoice.isReturn { steps.append(.live(tender(invoice))) }
            steps.append(.end(end(invoice), member: member.id))
        }
        lastSaleHadCard = true
    }

    private mutating func saleWithoutMember(_ invoice: OnlineRetail.Invoice) {
        let showsUnknownCard = !unknownCardShown && !invoice.isReturn
        if showsUnknownCard {
            unknownCardShown = true
            steps.append(.live(open(invoice)))
            scan(DemoMember.unknownCard, .unknownCard)
        }
        steps.append(.end(end(invoice), member: nil))
        lastSaleHadCard = showsUnknownCard
    }

    /// Readers take turns.
    private mutating func scan(_ card: String, _ reading: Reading) {
        scans += 1
        let step =
            scans.isMultiple(of: 2)
            ? RigStep(device: readers.hidPOS, scan: card, aim: "]E0")
            : RigStep(device: readers.wedge, type: card + "\n")
        steps.append(.scan(step, reading))
    }

    // MARK: Events

    private mutating func end(_ invoice: OnlineRetail.Invoice) -> NativeEvent {
        sequence += 1
        return OnlineRetail.event(invoice, till: till, seq: sequence)
    }

    private mutating func open(_ invoice: OnlineRetail.Invoice) -> NativeEvent {
        live(invoice, "open") { sale in
            sale.lines = []
            sale.tenders = []
            sale.totals.grand = Money.zero(invoice.total.currency).amountText
        }
    }

    private mutating func tender(_ invoice: OnlineRetail.Invoice) -> NativeEvent { live(invoice, "tender") { _ in } }

    private mutating func live(
        _ invoice: OnlineRetail.Invoice, _ verb: String, _ change: (inout NativeSale) -> Void
    ) -> NativeEvent {
        var event = end(invoice)
        event.type = "sale.\(verb)"
        event.id = "\(invoice.number)-\(verb)"
        event.sale?.state = Sale.State.open.rawValue
        event.sale?.closedAt = nil
        if var sale = event.sale {
            change(&sale)
            event.sale = sale
        }
        return event
    }
}
