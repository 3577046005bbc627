// What each of Sinch's sample callbacks becomes.

import Events
import Samples
import Testing

@Suite("Sinch's samples as events") struct SampleEventTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String, type: String
        let subject: String?, message: String?, contact: String?, conversation: String?, channel: String?
        let status: String?, correlation: String?, time: String
        var testDescription: String { name }

        init(
            _ name: String, _ type: String, subject: String? = nil, message: String? = nil, contact: String? = nil,
            conversation: String? = nil, channel: String? = nil, status: String? = nil, correlation: String? = nil,
            time: String = "2021-10-18T17:49:14.001Z"  // when it was received
        ) {
            (self.name, self.type, self.subject, self.message) = (name, type, subject, message)
            (self.contact, self.conversation, self.channel) = (contact, conversation, channel)
            (self.status, self.correlation, self.time) = (status, correlation, time)
        }
    }

    static let cases: [Case] = [
        .init("batch_status_update.unconfirmed", "unknown", time: "2023-05-15T14:22:33.123456789Z"),
        .init(
            "capability.full", "capability", subject: "01EKA07N79THJ20ZSN6AS30TMW",
            contact: "01EKA07N79THJ20ZSN6AS30TMW", channel: "WHATSAPP", time: "2020-11-17T16:05:51.724083Z"),
        .init(
            "capability.partial_with_reason", "capability", subject: "contact id value",
            contact: "contact id value", channel: "WHATSAPP", correlation: "correlation id value",
            time: "2020-11-17T16:05:45Z"),
        .init(
            "channel_event", "channel_event", channel: "WHATSAPP", correlation: "correlation id value",
            time: "2020-11-17T16:05:45Z"),
        .init(
            "channel_event.whatsapp_quality", "channel_event", channel: "WHATSAPP",
            time: "2026-02-13T10:00:00.000000Z"),
        .init(
            "contact_create.viber", "contact_create", subject: "01EQBDK8771J6A1FV8MQPE1XAR",
            contact: "01EQBDK8771J6A1FV8MQPE1XAR", channel: "VIBER", time: "2020-11-17T15:36:28.155494Z"),
        .init(
            "contact_delete", "contact_delete", subject: "01EQBDK8771J6A1FV8MQPE1XAR",
            contact: "01EQBDK8771J6A1FV8MQPE1XAR", channel: "VIBER", time: "2020-11-17T15:44:33.517073Z"),
        .init(
            "contact_identities_duplication", "contact_identities_duplication", channel: "channel",
            correlation: "correlation id value", time: "2020-11-17T16:05:45Z"),
        .init(
            "contact_identities_duplication.real_ids", "contact_identities_duplication",
            subject: "SMS:+15551234567", channel: "SMS", time: "2022-09-29T09:16:22.544813845Z"),
        .init(
            "contact_merge", "contact_merge", subject: "01EQBECE7Z4XP21359SBKS1526",
            contact: "01EQBECE7Z4XP21359SBKS1526", channel: "VIBER", time: "2020-11-17T15:53:03.457706Z"),
        .init(
            "contact_update", "contact_update", subject: "my created contact ID", contact: "my created contact ID",
            correlation: "correlation id value", time: "2020-11-17T16:05:45Z"),
        .init(
            "contact_update.real_ids", "contact_update", subject: "01EQBDK8771J6A1FV8MQPE1XAR",
            contact: "01EQBDK8771J6A1FV8MQPE1XAR", channel: "SMS", time: "2026-02-13T15:44:33.517073Z"),
        .init(
            "conversation_delete", "conversation_delete", subject: "a conversation id", contact: "contact ID",
            conversation: "a conversation id", channel: "WHATSAPP", correlation: "correlation id value",
            time: "2020-11-17T16:05:45Z"),
        .init(
            "conversation_start.2024", "conversation_start", subject: "01W4FFL35P4NC4K35CONVERS01",
            contact: "01W4FFL35P4NC4K35CONTACT01", conversation: "01W4FFL35P4NC4K35CONVERS01",
            correlation: "correlatorId"),
        .init(
            "conversation_start", "conversation_start", subject: "01EQ4174WMDB8008EFT4M30481",
            contact: "01BQ8174TGGY5B1VPTPGHW19R0", conversation: "01EQ4174WMDB8008EFT4M30481", channel: "MESSENGER"),
        .init(
            "conversation_stop", "conversation_stop", subject: "01EPYATZ64TMNZ1FV02JKD12JF",
            contact: "01EKA07N79THJ20WAN6AS30TMW", conversation: "01EPYATZ64TMNZ1FV02JKD12JF", channel: "MESSENGER"),
        .init(
            "event_delivery.failed", "event_delivery", subject: "MESSENGER:7968425018576406", channel: "MESSENGER",
            status: "FAILED", time: "2024-06-06T14:42:42.251277147Z"),
        .init(
            "event_delivery.queued_on_channel", "event_delivery", subject: "01EXA07N79THJ20WSN6AS30TMW",
            contact: "01EXA07N79THJ20WSN6AS30TMW", channel: "MESSENGER", status: "QUEUED_ON_CHANNEL",
            time: "2020-11-17T15:09:13.267185Z"),
        .init(
            "event_inbound.composing", "event_inbound", subject: "01EQ4174TGGY5B1VPTPGHW19R0",
            contact: "01EQ4174TGGY5B1VPTPGHW19R0", channel: "RCS", time: "2020-11-16T08:17:42.814Z"),
        .init(
            "event_inbound.composing_rcs", "event_inbound", subject: "01W4FFL35P4NC4K35CONVERS01",
            contact: "01W4FFL35P4NC4K35CONTACT01", conversation: "01W4FFL35P4NC4K35CONVERS01", channel: "RCS",
            time: "2024-06-06T14:42:42.379863404Z"),
        .init(
            "event_inbound.reaction", "event_inbound", subject: "conversation id", contact: "contact ID",
            conversation: "conversation id", channel: "MESSENGER", correlation: "correlation id value",
            time: "2020-11-17T16:05:45Z"),
        .init(
            "message_delivery.delivered", "message_delivery", subject: "01EKJTF1FPKMZD1KGCXDM80N9M",
            message: "01EKJWGGMA53D91CS7GTDW0BAE", contact: "01EKJTC5PS68RZ1GHZ47441VSB",
            conversation: "01EKJTF1FPKMZD1KGCXDM80N9M", channel: "RCS", status: "DELIVERED",
            time: "2020-10-01T20:09:06Z"),
        .init(
            "message_delivery.failed", "message_delivery", subject: "01EQBCFQR3EGE60P42H6H1117J",
            message: "01EQBF0BT63J7S1FEKJZ0Z08VD", contact: "01EXA07N79THJ20WSN6AS30TMW",
            conversation: "01EQBCFQR3EGE60P42H6H1117J", channel: "WHATSAPP", status: "FAILED",
            time: "2020-11-17T16:01:07Z"),
        .init(
            "message_delivery.failed_2024", "message_delivery", subject: "01W4FFL35P4NC4K35CONVERS01",
            message: "01W4FFL35P4NC4K35MESSAGE05", contact: "01W4FFL35P4NC4K35CONTACT02",
            conversation: "01W4FFL35P4NC4K35CONVERS01", channel: "RCS", status: "FAILED",
            correlation: "correlatorId", time: "2024-06-06T14:42:43Z"),
        .init(
            "message_delivery.failed_telegram", "message_delivery", subject: "01F6PEMQ3X4FAS1475DPQY10VT",
            message: "01F7NHADA4ACWR150GRK14102N", contact: "01EPSAJOPKWLQ80W5PM5P10HMY",
            conversation: "01F6PEMQ3X4FAS1475DPQY10VT", channel: "TELEGRAM", status: "FAILED",
            time: "2021-06-08T10:05:06.551038Z"),
        .init(
            "message_delivery.queued_on_channel", "message_delivery", subject: "01EPYATA64TMNZ1FV02JKF12JF",
            message: "01EQBC1A3BEK731GY4YXEN0C2R", contact: "01EXA07N79THJ20WSN6AS30TMW",
            conversation: "01EPYATA64TMNZ1FV02JKF12JF", channel: "MESSENGER", status: "QUEUED_ON_CHANNEL",
            time: "2020-11-17T15:09:13.267185Z"),
        .init(
            "message_delivery.rcs_dispatch_2023", "message_delivery", subject: "RCS:916284458847",
            message: "01H2T2H437XD18TAFQJYBKJM4C", channel: "RCS", status: "DELIVERED",
            time: "2023-06-13T09:49:00.887336Z"),
        .init(
            "message_delivery.read", "message_delivery", subject: "01EB199XQ2CBY50K6WZD9S1A22",
            message: "01EBDV9EFP66ZA0GQJ9MCX1V9H", contact: "01EB197NDA4W7V15NPRCVV0S79",
            conversation: "01EB199XQ2CBY50K6WZD9S1A22", channel: "WHATSAPP", status: "READ",
            time: "2020-06-22T11:05:53.910Z"),
        .init(
            "message_inbound.all_fields", "message_inbound", subject: "conversation id", message: "event id",
            contact: "contact ID", conversation: "conversation id", channel: "MESSENGER",
            correlation: "correlation id value", time: "2020-11-17T16:05:45Z"),
        .init(
            "message_inbound.choice_response", "message_inbound", subject: "01EKJTF1FPKMZD1KGCXDM80N9M",
            message: "01EKJWHBNH9AHD0QQ5Z8B715MF", contact: "01EKJTC5PS68RZ1GHZ47441VSB",
            conversation: "01EKJTF1FPKMZD1KGCXDM80N9M", channel: "RCS", time: "2020-10-01T20:09:28.490771Z"),
        .init(
            "message_inbound.choice_response_old", "message_inbound", subject: "01E6K4A8PGZ6MV0GD3C7M901MZ",
            message: "01E6NKBV63YG6K01ENEW7S1N80", contact: "01E6K4A8N3NANZ05VM0FS80EHD",
            conversation: "01E6K4A8PGZ6MV0GD3C7M901MZ", channel: "SMS", time: "2020-04-24T08:02:50.184581Z"),
        .init(
            "message_inbound.instagram_text", "message_inbound", subject: "01F6T8NG7D6M3Y0DT0RMDP1KFE",
            message: "01F6ZMR5FN2JVH0X6ZEJ720BRN", contact: "01F6T8NG3ZWF460K28RHAM1DHW",
            conversation: "01F6T8NG7D6M3Y0DT0RMDP1KFE", channel: "INSTAGRAM", time: "2021-05-30T22:01:44.467Z"),
        .init(
            "message_inbound.location", "message_inbound", subject: "01EKJTF1FPKMZD1KGCXDM80N9M",
            message: "01EKJVVXQEKQ4Y12ZJSC8M0SP7", contact: "01EKJTC5PS68RZ1GHZ47441VSB",
            conversation: "01EKJTF1FPKMZD1KGCXDM80N9M", channel: "RCS", time: "2020-10-01T19:57:46.087756Z"),
        .init(
            "message_inbound.media", "message_inbound", subject: "01EKJ0KSWXMVDF05MG9TQ20S06",
            message: "01EKJ1534NWK5R02TGWEJN13HA", contact: "01EKA07N79THJ20WSN6AS30TMW",
            conversation: "01EKJ0KSWXMVDF05MG9TQ20S06", channel: "WHATSAPP", time: "2020-10-01T12:10:53.991Z"),
        .init(
            "message_inbound.media_card", "message_inbound", subject: "01EKJ0KSWXMVDF05MG9TQ20S06",
            message: "01EKJ1534NWK5R02TGWEJN13HA", contact: "01EKA07N79THJ20WSN6AS30TMW",
            conversation: "01EKJ0KSWXMVDF05MG9TQ20S06", channel: "WHATSAPP", time: "2020-10-01T12:10:53.991Z"),
        .init(
            "message_inbound.rcs_2024", "message_inbound", subject: "01W4FFL35P4NC4K35CONVERS01",
            message: "01W4FFL35P4NC4K35MESSAGE01", contact: "01W4FFL35P4NC4K35CONTACT01",
            conversation: "01W4FFL35P4NC4K35CONVERS01", channel: "RCS", correlation: "correlatorId",
            time: "2024-06-06T14:42:42.1492634Z"),
        .init(
            "message_inbound.sms_text_old", "message_inbound", subject: "01E6K4A8PGZ6MV0GD3C7M901MZ",
            message: "01E6NKBV63YG6K01ENEW7S1N80", contact: "01E6K4A8N3NANZ05VM0FS80EHD",
            conversation: "01E6K4A8PGZ6MV0GD3C7M901MZ", channel: "SMS", time: "2020-04-24T08:02:50.184581Z"),
        .init(
            "message_inbound.text", "message_inbound", subject: "01EQ8172WMDB8008EFT4M30481",
            message: "01EQ8235TD19N21XQTH12B145D", contact: "01EQ4174TGGY5B1VPTPGHW19R0",
            conversation: "01EQ8172WMDB8008EFT4M30481", channel: "MESSENGER", time: "2020-11-16T08:17:42.814Z"),
        .init(
            "message_inbound_smart_conversation_redaction.media", "message_inbound_smart_conversation_redaction",
            subject: "conversation id", message: "id", contact: "contact id", conversation: "conversation id",
            channel: "MESSENGER", correlation: "correlation id value", time: "2020-11-17T16:05:45Z"),
        .init(
            "message_submit.rich", "message_submit", subject: "conversation id", message: "message id",
            contact: "contact ID", conversation: "conversation id", channel: "MESSENGER",
            correlation: "correlation id value", time: "2020-11-17T16:05:45Z"),
        .init(
            "message_submit.text", "message_submit", subject: "01W4FFL35P4NC4K35CONVERS01",
            message: "01W4FFL35P4NC4K35MESSAGE03", contact: "01W4FFL35P4NC4K35CONTACT01",
            conversation: "01W4FFL35P4NC4K35CONVERS01", channel: "RCS", correlation: "correlatorId",
            time: "2024-06-06T14:42:42.721Z"),
        .init(
            "opt_in.failed", "opt_in", subject: "contact id", contact: "contact id", channel: "WHATSAPP",
            correlation: "correlation id value", time: "2020-11-17T16:05:45Z"),
        .init(
            "opt_in.succeeded", "opt_in", subject: "01EKA07N79THJ20WSN6AS30TMW",
            contact: "01EKA07N79THJ20WSN6AS30TMW", channel: "WHATSAPP", time: "2020-11-17T16:13:57.052735Z"),
        .init(
            "opt_in.telegram", "opt_in", subject: "01EPSAJOPKWLQ80W5PM5P10HMY",
            contact: "01EPSAJOPKWLQ80W5PM5P10HMY", channel: "TELEGRAM", time: "2021-06-08T07:54:35.171Z"),
        .init(
            "opt_out.succeeded", "opt_out", subject: "01EKA07N79THJ20ZSN6AS30TMW",
            contact: "01EKA07N79THJ20ZSN6AS30TMW", channel: "WHATSAPP", time: "2020-11-17T16:12:36.165864Z"),
        .init(
            "opt_out.viber", "opt_out", subject: "01EKA07N79THJ20WSN6AS30TMW",
            contact: "01EKA07N79THJ20WSN6AS30TMW", channel: "VIBER", time: "2021-06-08T07:54:02.112Z"),
        .init(
            "record_notification", "record_notification", subject: "conversation id", contact: "contact id",
            conversation: "conversation id", channel: "MESSENGER", correlation: "correlation id value",
            time: "2020-11-17T16:05:45Z"),
        .init(
            "smart_conversations", "smart_conversation", subject: "conversation id", message: "message id",
            contact: "contact id", conversation: "conversation id", channel: "MESSENGER",
            correlation: "correlation id value", time: "2020-11-17T16:05:45Z"),
        .init(
            "unsupported.full_keys", "unsupported", subject: "conversation id", contact: "contact id",
            conversation: "conversation id", channel: "MESSENGER", correlation: "correlation id value",
            time: "2020-11-17T16:05:45Z"),
        .init("unsupported.instagram", "unsupported", channel: "INSTAGRAM", time: "2021-05-28T14:13:06.223973Z"),
        .init("unsupported.messenger", "unsupported", channel: "MESSENGER", time: "2020-11-17T15:17:05.683253Z"),
    ]

    @Test("have their type, subject, ids and time", arguments: cases) func isRead(_ c: Case) throws {
        let sample = try #require(Sample.named(c.name))
        let event = try Event(sample.body)
        let attributes = try event.attributes()
        #expect(attributes["type"] == "com.sinch.conversation." + c.type)
        #expect(attributes["subject"] == c.subject)
        #expect(attributes["sinchmessage"] == c.message)
        #expect(attributes["sinchcontact"] == c.contact)
        #expect(attributes["sinchconversation"] == c.conversation)
        #expect(attributes["sinchchannel"] == c.channel)
        #expect(attributes["sinchstatus"] == c.status)
        #expect(attributes["sinchcorrelation"] == c.correlation)
        #expect(attributes["time"] == c.time)
        try event.expectSoundLine()
    }

    @Test("are all in the table") func tableIsWhole() {
        #expect(Self.cases.map(\.name).sorted() == Sample.all.map(\.name).sorted())
    }

    struct Source: Sendable { let sample: String, source: String }

    @Test(
        "name project and app in their source",
        arguments: [
            Source(
                sample: "message_inbound.rcs_2024",
                source: "//conversation.api.sinch.com/projects/tinyfrog-jump-high-over-lilypadbasin"
                    + "/apps/01W4FFL35P4NC4K35CONVAPP01"),
            Source(
                sample: "message_inbound.sms_text_old",
                source: "//conversation.api.sinch.com/apps/01E3S8B6YCMRNR0GGM94H80ACX"),
            Source(
                sample: "contact_update.real_ids",
                source: "//conversation.api.sinch.com/projects/c36f3a3d-1513-4edd-ae42-11995557ff61"),
            Source(
                sample: "contact_update",
                source: "//conversation.api.sinch.com/projects/project%20id%20value/apps/app%20id%20value"),
        ]) func hasSource(_ c: Source) throws
    {
        let event = try Event(#require(Sample.named(c.sample)).body)
        #expect(try event.attributes()["source"] == c.source)
    }
}
