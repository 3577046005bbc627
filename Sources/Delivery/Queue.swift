// A queue in an array.

/// A queue that does not move its elements with every one that leaves.
struct Queue<Element> {
    private var elements: [Element] = []
    private var start = 0

    var isEmpty: Bool { start == elements.count }
    var first: Element? { isEmpty ? nil : elements[start] }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func removeFirst() {
        start += 1
        if start > 64, start > elements.count / 2 {
            elements.removeFirst(start)
            start = 0
        }
    }
}
