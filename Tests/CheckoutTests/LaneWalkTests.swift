import Checkout
import LoyaltyModel
import Testing

/// SplitMix64 (Steele, Lea, Flood 2014), so that a failing walk can be walked again.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// A day at the counter at random. Beside it stands a second account of the rules that keeps no state machine, only the
/// spans of time in which each basket was on the screen, and works out from them whose card a sale may have.
private struct Walk {
    private struct Span {
        var start: Int
        var begin: Int
        var end: Int?
    }

    private struct Sale {
        var key: Lane.SaleKey
        var spans: [Span] = []
        var isOver = false
        var isSuspended = false
        var completedAt: Int?
        var card: String?
    }

    private var counter = Counter()
    private var random: SplitMix
    private var tick = 0
    private var sales: [Sale] = []
    private var onScreen: Int?
    /// The end of the last span.
    private var gap = 0
    private var times: [Int] = [0]
    private var scannedAt: [String: Int] = [:]
    private var used: Set<String> = []
    private(set) var commits = 0
    private(set) var lateScans = 0
    private(set) var failures: [String] = []

    init(seed: UInt64) {
        random = SplitMix(state: seed)
        counter.sale(.open, key("first"))
        counter.sale(.cancel, key("first"))
        // A till whose numbers hold from the first line to the last.
        counter.sale(.open, number("second"))
        counter.sale(.return, number("second"))
    }

    mutating func step() {
        tick += 1
        counter.wait(Int.random(in: 0...9, using: &random) == 0 ? 100 : Int.random(in: 0...20, using: &random))
        times.append(counter.seconds)
        switch Int.random(in: 0...12, using: &random) {
        case 0...3: scan()
        case 4: begin()
        case 5: goOn(.update)
        case 6: goOn(.tender)
        case 7: end(.suspend)
        case 8: end(.cancel)
        case 9: resume()
        case 10: endOffScreen()
        default: end(.complete)
        }
    }

    private mutating func scan() {
        let token = "c\(tick)"
        scannedAt[token] = tick
        check(counter.handle(.card(card(token))))
    }

    private mutating func begin() {
        let name = "s\(sales.count)"
        let hasUID = Bool.random(using: &random)
        sales.append(Sale(key: hasUID ? key(name) : number(name)))
        enter(sales.count - 1)
        check(counter.sale(.open, sales[sales.count - 1].key))
    }

    private mutating func resume() {
        let waiting = sales.indices.filter { sales[$0].isSuspended && !sales[$0].isOver }
        guard let index = waiting.randomElement(using: &random) else { return }
        enter(index)
        check(counter.sale(.resume, sales[index].key))
    }

    private mutating func goOn(_ verb: TillEvent.SaleVerb) {
        guard let onScreen else { return }
        check(counter.sale(verb, sales[onScreen].key))
    }

    private mutating func end(_ verb: TillEvent.SaleVerb) {
        if onScreen == nil, verb == .complete {
            // A finished sale of which nothing was heard before.
            sales.append(Sale(key: key("s\(sales.count)")))
            enter(sales.count - 1)
        }
        guard let index = onScreen else { return }
        let actions = counter.sale(verb, sales[index].key)
        closeSpan()
        sales[index].isSuspended = verb == .suspend
        sales[index].isOver = verb != .suspend
        if verb == .complete { sales[index].completedAt = tick }
        check(actions, ending: index)
        if verb == .complete, Bool.random(using: &random) {
            let hadCard = sales[index].card != nil
            check(counter.handle(.committed(reference: "\(index)", key: sales[index].key, hadCard: hadCard)))
        }
    }

    /// The document of a sale that was left comes while another basket is on the screen.
    private mutating func endOffScreen() {
        let left = sales.indices.filter { $0 != onScreen && !sales[$0].isOver }
        guard onScreen != nil, let index = left.randomElement(using: &random) else { return }
        let actions = counter.sale(.complete, sales[index].key)
        sales[index].isOver = true
        sales[index].completedAt = tick
        check(actions, ending: index)
        let hadCard = sales[index].card != nil
        check(counter.handle(.committed(reference: "\(index)", key: sales[index].key, hadCard: hadCard)))
    }

    private mutating func enter(_ index: Int) {
        if onScreen != nil { closeSpan() }
        sales[index].spans.append(Span(start: gap, begin: tick))
        onScreen = index
    }

    private mutating func closeSpan() {
        guard let left = onScreen else { return }
        sales[left].spans[sales[left].spans.count - 1].end = tick
        gap = tick
        onScreen = nil
    }

    private mutating func check(_ actions: [Lane.Action], ending index: Int? = nil) {
        for action in actions {
            switch action {
            case .notice: break
            case .commit(let commit):
                commits += 1
                guard let index, let token = commit.card?.token else { continue }
                sales[index].card = token
                use(token, "sale \(index)")
                if !mayHave(sales[index], token) { failures.append("sale \(index) got \(token) at tick \(tick)") }
            case .attachToFinished(let reference, let card):
                lateScans += 1
                use(card.token, "late \(reference)")
                guard let index = Int(reference), sales[index].card == nil, isLate(card.token, index) else {
                    failures.append("late \(card.token) went to sale \(reference)")
                    continue
                }
                sales[index].card = card.token
            }
        }
    }

    private mutating func use(_ token: String, _ place: String) {
        if !used.insert(token).inserted { failures.append("\(token) was used twice, last by \(place)") }
    }

    /// In a span of the basket, or before it and not too long ago.
    private func mayHave(_ sale: Sale, _ token: String) -> Bool {
        guard let scan = scannedAt[token] else { return false }
        return sale.spans.contains { span in
            guard scan > span.start, scan < span.end ?? .max else { return false }
            return scan >= span.begin || times[span.begin] - times[scan] <= 90
        }
    }

    private func isLate(_ token: String, _ index: Int) -> Bool {
        guard let scan = scannedAt[token], let end = sales[index].completedAt, scan > end else { return false }
        let nobodyBetween = !sales.indices.contains { other in
            sales[other].spans.contains { span in
                span.begin > end && span.begin <= scan || other != index && span.begin < end && span.end ?? .max > end
            }
        }
        return nobodyBetween && times[scan] - times[end] <= 60
    }
}

@Suite struct LaneWalks {
    @Test(arguments: 1...40)
    func noCardReachesAnotherCustomersSale(seed: UInt64) {
        var walk = Walk(seed: seed)
        for _ in 0..<2500 { walk.step() }
        #expect(walk.failures.isEmpty, "\(walk.failures.prefix(5))")
        // A walk that finishes nothing would prove nothing.
        #expect(walk.commits > 200)
        #expect(walk.lateScans > 5)
    }
}
