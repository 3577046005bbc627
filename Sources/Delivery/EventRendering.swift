// How a sink turns a stored event into what it sends, said as narrowly as the sinks need it.

import Store

/// Writes stored events as CloudEvents. One renderer serves one sink and is used on that sink's queue only.
public protocol EventRenderer: AnyObject {
    /// Appends the event as one JSON line, with its newline, to `output`.
    ///
    /// - Parameter bytes: the `bytes` of the batch that holds `event`.
    func appendLine(_ event: StoredEvent, in bytes: UnsafeRawBufferPointer, to output: inout [UInt8])

    /// The event's attributes for HTTP binary mode: names without `ce-`, values percent-encoded already
    /// (CloudEvents HTTP Protocol Binding 1.0.2 §3.1.3.2).
    func attributes(
        _ event: StoredEvent, in bytes: UnsafeRawBufferPointer
    ) -> [(name: String, value: String)]
}
