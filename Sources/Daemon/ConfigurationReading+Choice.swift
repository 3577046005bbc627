// Reading which events a sink gets.

import Delivery

extension ConfigurationReading {
    func choice(_ object: JSONObjectReader) -> EventChoice {
        var choice = EventChoice()
        choice.types = Set(texts(object, ChoiceKeys.types, type))
        choice.channels = Set(
            texts(object, ChoiceKeys.channels) { reader, text in
                let isName = text.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "_") }
                if text.isEmpty || !isName { reader.refuse(expected: "a channel such as \"WHATSAPP\"") }
                return text.uppercased()
            })
        choice.apps = Set(
            texts(object, ChoiceKeys.apps) { reader, text in
                if text.isEmpty { reader.refuse(expected: "the id of an app") }
                return text
            })
        return choice
    }

    /// The endpoints that the sink is narrowed to; nil for all that name it.
    ///
    /// - Parameter named: the paths of the endpoints that name it.
    func chosenEndpoints(_ object: JSONObjectReader, named: [String]) -> [String]? {
        guard object[ChoiceKeys.endpoints] != nil else { return nil }
        return texts(object, ChoiceKeys.endpoints) { reader, text in
            let hint = nearestName(to: text, among: named).map { " (did you mean \(quoted($0))?)" } ?? ""
            if !named.contains(text) { reader.refuse(expected: "the path of an endpoint that names this sink" + hint) }
            return text
        }
    }

    private func texts(
        _ object: JSONObjectReader, _ key: Entry, _ read: (JSONReader, String) -> String
    ) -> [String] {
        guard let reader = object[key], let elements = reader.elements(expected: key.expected) else { return [] }
        // Empty is nothing at all, or everything: whoever writes it means one of them.
        if elements.isEmpty { reader.refuse(expected: key.expected) }
        return elements.compactMap { element in
            element.string(expected: key.expected).map { read(element, $0) }
        }
    }

    /// The whole name of a type, of which the part in front may be left out.
    private func type(_ reader: JSONReader, _ text: String) -> String {
        do throws(UnknownEventType) {
            return try eventType(named: text)
        } catch {
            reader.refuse(expected: error.expected)
            return text
        }
    }
}
