// The text that Prometheus reads, and the numbers in it.

import Metrics
import Testing

@Suite("Metrics as text") struct MetricsTextTests {
    @Test("a metric is told of once, with all its series") func series() {
        var page = MetricsText()
        page.add("a_total", .counter, "As.") { series in
            series.add(["x": "1"], 3)
            series.add(["x": "2", "y": "z"], 0.25)
        }
        page.add("b", .gauge, "Bs.", -1)
        #expect(
            page.text == """
                # HELP a_total As.
                # TYPE a_total counter
                a_total{x="1"} 3
                a_total{x="2",y="z"} 0.25
                # HELP b Bs.
                # TYPE b gauge
                b -1

                """)
    }

    @Test("one without a value is left out") func absent() {
        var page = MetricsText()
        page.add("a", .gauge, "A.", nil)
        page.add("b", .gauge, "B.") { _ in }
        #expect(page.text.isEmpty)
    }

    @Test("the same labels twice would make the whole text invalid: the first counts") func doubled() {
        var page = MetricsText()
        page.add("a", .gauge, "A.") { series in
            series.add(["x": "1"], 1)
            series.add(["x": "1"], 2)
        }
        #expect(page.text.hasSuffix("a{x=\"1\"} 1\n"))
    }

    struct Escape: CustomTestStringConvertible, Sendable {
        let value: String, expected: String, why: String
        var testDescription: String { why }
    }

    @Test(
        "a value of a label",
        arguments: [
            Escape(value: "/a", expected: "/a", why: "is there as it is"),
            Escape(value: "a\"b", expected: #"a\"b"#, why: "cannot end its quotes"),
            Escape(value: "a\\", expected: #"a\\"#, why: "cannot escape the quote behind it"),
            Escape(value: "a\nb 1", expected: #"a\nb 1"#, why: "cannot begin a line"),
        ]) func escapes(_ escape: Escape)
    {
        var page = MetricsText()
        page.add("a", .gauge, "A.") { $0.add(["x": escape.value], 1) }
        #expect(page.text.split(separator: "\n").last == "a{x=\"\(escape.expected)\"} 1")
    }

    @Test("help cannot begin a line") func help() {
        var page = MetricsText()
        page.add("a", .gauge, "one\ntwo\\ \"three\"", 1)
        #expect(page.text.hasPrefix("# HELP a one\\ntwo\\\\ \"three\"\n# TYPE"))
    }

    @Test("a histogram's buckets hold all below them, in the unit of the metric") func histogram() {
        let histogram = Histogram(bounds: [1_000_000, 500_000_000])
        for value in [0, 1_000_000, 1_000_001, 2_000_000_000] { histogram.observe(value) }
        var page = MetricsText()
        page.add("t_seconds", "Time.", histogram.values, unitsInOne: 1e9)
        #expect(
            page.text == """
                # HELP t_seconds Time.
                # TYPE t_seconds histogram
                t_seconds_bucket{le="0.001"} 2
                t_seconds_bucket{le="0.5"} 3
                t_seconds_bucket{le="+Inf"} 4
                t_seconds_sum 2.002000001
                t_seconds_count 4

                """)
    }
}

@Suite("Numbers that are counted") struct NumberTests {
    @Test("a gauge has no value before it is set, and then the last one") func gauge() {
        let gauge = Gauge()
        #expect(gauge.value == nil)
        gauge.value = 0
        #expect(gauge.value == 0)
        gauge.value = -5
        #expect(gauge.value == -5)
    }

    @Test("no count of several threads is lost") func threads() async {
        let (counter, table, histogram) = (Counter(), CounterTable<3>(), Histogram(bounds: [5]))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for value in 0..<1000 {
                        counter.add(2)
                        table.add(at: 2)
                        histogram.observe(value % 10)
                    }
                }
            }
        }
        #expect(counter.value == 8000)
        #expect((0..<3).map { table.value(at: $0) } == [0, 0, 4000])
        #expect(histogram.values == HistogramValues(bounds: [5], counts: [2400, 1600], sum: 18_000))
    }

    @Test("histograms of several shards make one") func sums() {
        let (one, other) = (Histogram(bounds: [1, 2]), Histogram(bounds: [1, 2]))
        one.observe(1)
        other.observe(2)
        other.observe(3)
        var sum = one.values
        sum.add(other.values)
        #expect(sum == HistogramValues(bounds: [1, 2], counts: [1, 1, 1], sum: 6))
    }
}
