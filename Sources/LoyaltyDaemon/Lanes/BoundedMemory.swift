/// What a lane remembers for a while, in memory alone: where there is too much, the older half goes.
struct BoundedMemory<Key: Hashable, Value> {
    private let capacity: Int
    private var values: [Key: Value] = [:]
    private var order: [Key] = []

    init(capacity: Int) { self.capacity = capacity }

    subscript(key: Key) -> Value? { values[key] }

    mutating func remember(_ value: Value, for key: Key) {
        if values.updateValue(value, forKey: key) == nil { order.append(key) }
        guard order.count > capacity else { return }
        for old in order.prefix(capacity / 2) { values[old] = nil }
        order.removeFirst(capacity / 2)
    }

    mutating func forget(_ key: Key) {
        guard values.removeValue(forKey: key) != nil else { return }
        order.removeAll { $0 == key }
    }
}
